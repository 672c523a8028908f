"""A fault says what was meant, as far as that is known."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from gateway.policy.source.formats import FORMATS
from gateway.policy.source.hints import closest, hint

CLOSED = {"properties": {"providers": {}, "models": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("value", "schema", "told"),
    [
        ({"providrs": 1}, CLOSED, "did you mean providers?"),
        ({"zzz": 1}, CLOSED, "expected providers, models"),
        ({"zzz": 1, "Model": 1}, CLOSED, "did you mean models?"),
        ({"zzz": 1}, {"additionalProperties": False}, ""),
        ("1", {"pattern": "^x$", "examples": ["x"]}, "expected it as in x"),
        ("1", {"pattern": "^x$"}, ""),
        ("1", {"format": "date"}, "expected a date"),
        (1, {"type": "string"}, ""),
    ],
)
def test_what_was_meant_is_told(value: Any, schema: dict[str, Any], told: str) -> None:
    (fault,) = Draft7Validator(schema, format_checker=FORMATS).iter_errors(value)
    assert hint(fault).startswith(told)
    assert bool(hint(fault)) == bool(told)


def test_the_nearest_name_is_meant_and_none_that_is_far() -> None:
    assert closest("US_SNN", ["US_SSN", "EMAIL_ADDRESS"]) == "US_SSN"
    assert closest("anthropc", ["openai", "Anthropic"]) == "Anthropic"
    assert closest("x", ["openai"]) == ""
