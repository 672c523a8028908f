"""Who meets what an approval requires: each person counts for one requirement.

For example, Ana is in dpo and security, Ben in dpo, and one of each group is required:

    Ana → dpo           taken greedily, Ben would be left without a place
    Ben → dpo, Ana → security

So people are moved until as many places as possible are taken (Kuhn's algorithm for matchings).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gateway.words import Consent, Met, Requirement


def met_by(
    requirements: Sequence[Requirement], consents: Sequence[Consent]
) -> tuple[tuple[Consent, ...], ...]:
    """Return who counts for each requirement, so that as many places as possible are taken."""
    places = [number for number, each in enumerate(requirements) for _ in range(each.count)]
    taken: dict[int, int] = {}

    def seat(person: int, tried: set[int]) -> bool:
        """Give the person a place, if those who are in the way can move on."""
        for place, number in enumerate(places):
            if place in tried or not may_meet(requirements[number].groups, consents[person].groups):
                continue
            tried.add(place)
            if place not in taken or seat(taken[place], tried):
                taken[place] = person
                return True
        return False

    for person in range(len(consents)):
        seat(person, set())
    return tuple(
        tuple(consents[taken[place]] for place, of in enumerate(places) if of == number and place in taken)
        for number in range(len(requirements))
    )


def may_meet(required: Collection[str], own: Collection[str]) -> bool:
    """Return whether a person of these groups is one of the required groups; none required: everyone is."""
    return not required or not set(required).isdisjoint(own)


def is_met(
    groups: Collection[str], quorum: int, all_of: Sequence[Requirement], consents: Sequence[Consent]
) -> bool:
    """Return whether enough people of `groups` agreed, and enough of their own for each requirement."""
    of_groups = sum(may_meet(groups, consent.groups) for consent in consents)
    people = met_by(all_of, consents)
    return of_groups >= quorum and all(
        len(met) == each.count for each, met in zip(all_of, people, strict=True)
    )


def covers(asked: Sequence[Requirement], wanted: Sequence[Requirement]) -> bool:
    """Return whether what meets the requirements that were `asked` for also meets those that are `wanted`.

    It is so when each wanted one has one of its own among the asked: of as many people, of its groups.
    """
    as_people = [Requirement((str(number),), 1) for number in range(len(wanted))]
    able = [
        Consent("", tuple(str(number) for number, each in enumerate(wanted) if _is_within(one, each)))
        for one in asked
    ]
    return all(met_by(as_people, able))


def _is_within(asked: Requirement, wanted: Requirement) -> bool:
    groups = not wanted.groups or (bool(asked.groups) and set(asked.groups) <= set(wanted.groups))
    return groups and asked.count >= wanted.count


def consent_documents(consents: Sequence[Consent]) -> list[dict[str, Any]]:
    """Return who agreed as plain JSON."""
    return [{"approver": one.approver, "groups": list(one.groups)} for one in consents]


def met_documents(met: Sequence[Met]) -> list[dict[str, Any]]:
    """Return who counts for which requirement as plain JSON."""
    return [{"groups": list(one.groups), "count": one.count, "approvers": list(one.approvers)} for one in met]
