"""Overlapping matches become disjoint ones."""

from gateway.detect.matching.overlaps import resolve
from gateway.words import Match, rank


def test_a_secret_wins_and_covers_what_it_overlaps() -> None:
    number, secret = Match("PHONE_NUMBER", "pii", 0.9, 0, 6), Match("API_KEY", "secret", 0.5, 4, 9)
    assert resolve([number, secret]) == (Match("API_KEY", "secret", 0.5, 0, 9),)
    assert rank(secret) > rank(number)


def test_a_phrase_keeps_what_lies_outside_of_values() -> None:
    phrase, value = Match("INJECTION", "injection", 0.9, 0, 10), Match("EMAIL_ADDRESS", "pii", 1.0, 3, 6)
    assert [(one.entity, one.start, one.end) for one in resolve([phrase, value])] == [
        ("INJECTION", 0, 3),
        ("EMAIL_ADDRESS", 3, 6),
        ("INJECTION", 6, 10),
    ]
