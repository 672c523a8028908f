"""Who meets what an approval requires: each person for one requirement, as many of them as can be."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import covers, is_met, met_by
from gateway.words import Consent, Requirement

DPO, SECURITY = Requirement(("dpo",)), Requirement(("security",))
ANA, BEN, EVE = Consent("ana", ("dpo", "security")), Consent("ben", ("dpo",)), Consent("eve", ("ops",))


def test_people_move_to_where_they_are_needed() -> None:
    for people in permutations((ANA, BEN, EVE)):
        assert met_by((DPO, SECURITY), people) == ((BEN,), (ANA,))


def test_one_person_counts_once() -> None:
    assert met_by((DPO, SECURITY), (ANA,)) == ((ANA,), ())
    assert not is_met((), 1, (DPO, SECURITY), (ANA,))
    assert is_met((), 2, (DPO, SECURITY), (ANA, BEN))


@pytest.mark.parametrize(
    ("groups", "quorum", "people", "met"),
    [
        ((), 1, (EVE,), True),
        ((), 2, (EVE,), False),
        (("ops",), 1, (EVE,), True),
        (("ops",), 1, (ANA, BEN), False),
        (("ops", "dpo"), 2, (ANA, BEN), True),
    ],
)
def test_a_quorum_is_of_its_groups(
    groups: tuple[str, ...], quorum: int, people: tuple[Consent, ...], met: bool
) -> None:
    assert is_met(groups, quorum, (), people) is met


GROUPS = st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple)
REQUIREMENTS = st.lists(st.builds(Requirement, GROUPS, st.integers(1, 2)), max_size=3)
PEOPLE = st.lists(GROUPS, max_size=5).map(
    lambda own: [Consent(str(number), groups) for number, groups in enumerate(own)]
)


def possible(requirements: list[Requirement], people: list[Consent]) -> bool:
    """Whether some order of the people fills all places, tried out."""
    places = [each.groups for each in requirements for _ in range(each.count)]
    return any(
        all(not groups or set(groups) & set(one.groups) for groups, one in zip(places, order, strict=True))
        for order in permutations(people, len(places))
    )


@given(requirements=REQUIREMENTS, people=PEOPLE)
def test_requirements_are_met_exactly_when_people_can_be_found_for_them(
    requirements: list[Requirement], people: list[Consent]
) -> None:
    met = met_by(requirements, people)
    counted = [one.approver for of in met for one in of]
    assert len(counted) == len(set(counted))
    for each, of in zip(requirements, met, strict=True):
        assert len(of) <= each.count
        assert all(not each.groups or set(each.groups) & set(one.groups) for one in of)
    assert is_met((), 0, requirements, people) is possible(requirements, people)


@given(asked=REQUIREMENTS, wanted=REQUIREMENTS, people=PEOPLE)
def test_what_covers_other_requirements_never_passes_without_them(
    asked: list[Requirement], wanted: list[Requirement], people: list[Consent]
) -> None:
    if covers(asked, wanted) and is_met((), 0, asked, people):
        assert is_met((), 0, wanted, people)


def test_requirements_cover_themselves_and_weaker_ones() -> None:
    assert covers((DPO, SECURITY), (SECURITY, DPO))
    assert covers((Requirement(("dpo",), 2),), (Requirement(("dpo", "ops")),))
    assert covers((DPO,), ())
    assert not covers((), (DPO,))
    assert not covers((DPO,), (DPO, DPO))
    assert not covers((Requirement(()),), (DPO,))
