"""JSON in which a key stands twice is refused."""

from decimal import Decimal

import pytest

from gateway.dialects.reading.strict import DuplicateKey, strict_json


def test_json_is_read_with_the_hooks_that_are_given() -> None:
    assert strict_json('{"a": {"b": 1.5}}', parse_float=Decimal) == {"a": {"b": Decimal("1.5")}}


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]'])
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(DuplicateKey, match="a key is given twice"):
        strict_json(text)
