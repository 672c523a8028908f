"""Whether two names mean one person."""

from __future__ import annotations

import pytest

from gateway.approvals import same_person


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "ALICE"),
        ("ANA MARIA", "ana.maria"),
        ("ana-maria", "\u0430na maria"),
        ("Łukasz", "lukasz"),
        ("rené", "rene"),
        ("o'neil", "O\u02bcNeil"),
        ("agent1", "agentl"),
    ],
)
def test_spellings_of_one_name_are_one_person(one: str, other: str) -> None:
    """Case, accents, separators and look-alikes tell no person from another."""
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize(("one", "other"), [("alice", "bob"), ("", ""), ("alice", ""), ("राम", "रमा")])
def test_other_names_are_other_people(one: str, other: str) -> None:
    """An empty name means no person."""
    assert not same_person(one, other)
