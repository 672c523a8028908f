"""Where in a JSON text a place is, and what a value looks like there."""

import json

import pytest

from gateway.masking.json_strings import JsonDepths, decoded_literal, escaped, unescaped


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_value_comes_back_from_every_depth(times: int) -> None:
    value = 'a "quoted"\\path\n'
    assert unescaped(escaped(value, times), times) == value


def test_a_literal_is_decoded_and_nothing_else_is() -> None:
    assert decoded_literal(r'"a\u0040b"') == "a@b"
    assert decoded_literal("12") is None


def test_depth_counts_strings_within_strings() -> None:
    text = json.dumps({"a": json.dumps({"b": "value"}), "c": "value"})
    depths = JsonDepths(text)
    assert depths.at(text.index("value")) == 2
    assert depths.at(text.rindex("value")) == 1
