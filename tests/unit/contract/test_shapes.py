"""The contract's schemas are schemas, and each is read once."""

import pytest
from jsonschema import Draft7Validator

from gateway.contract import schema_of


@pytest.mark.parametrize("document", ["input", "decision", "settings"])
def test_a_schema_is_one(document: str) -> None:
    Draft7Validator.check_schema(schema_of(document))  # type: ignore[arg-type]
    assert schema_of(document) is schema_of(document)  # type: ignore[arg-type]
