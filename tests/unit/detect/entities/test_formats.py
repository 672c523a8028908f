"""What a secret's value has to look like."""

import pytest

from gateway.detect.entities.formats import FORMATS, is_password


@pytest.mark.parametrize("value", ["hunter2-Xk9", "Tr0ub4dor&3"])
def test_a_made_up_value_is_a_password(value: str) -> None:
    assert is_password(value)


@pytest.mark.parametrize("value", ["${DB_PASSWORD}", "<password>", "****", "os.environ['X']", "string"])
def test_templates_code_and_words_are_none(value: str) -> None:
    assert not is_password(value)


def test_every_format_has_a_pattern_of_its_own() -> None:
    patterns = [one.pattern.pattern for one in FORMATS]
    assert len(set(patterns)) == len(patterns) > 20
