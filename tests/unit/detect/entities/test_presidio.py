"""Presidio's patterns with the changes made here."""

import pytest

from gateway.detect import Detector


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("ssn 123-45-6789", ["US_SSN"]),
        ("bind 127.0.0.1 or 0.0.0.0", []),
        ("the server 93.184.216.34 answers", ["IP_ADDRESS"]),
        ("Chrome/120.0.0.0", []),
        ("document 123456789 of us", []),
    ],
)
def test_samples_count_and_addresses_of_code_do_not(
    inspector: Detector, text: str, entities: list[str]
) -> None:
    assert [one.entity for one in inspector.inspect(text)] == entities
