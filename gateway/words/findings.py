"""What was found in a text or in a part of a body, and what policy sees of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from gateway.words.parts import Part

Category = Literal["pii", "secret", "code", "injection", "custom"]
# What became of a finding by the decision that it is recorded with: `masked` stands for a placeholder, a
# partial value or a hash in its place, `redacted` for a fixed word, `passed` for the value as it was, and
# `refused` for a prompt or completion that this decision did not let through.
Treatment = Literal["masked", "redacted", "passed", "refused"]


class Finding(msgspec.Struct, frozen=True, gc=False):  # thousands of them are made in one turn of the loop
    """One detected entity in one part, as character offsets into the part's text. Never the value itself."""

    entity: str
    category: Category
    score: float
    pointer: str
    start: int
    end: int

    def at(self, start: int, end: int) -> Finding:
        """Return the same finding at other offsets."""
        return Finding(self.entity, self.category, self.score, self.pointer, start, end)


@dataclass(frozen=True, slots=True)
class Match:
    """One detected entity as character offsets into one text. Never the value itself."""

    entity: str
    category: Category
    score: float
    start: int
    end: int

    def at(self, start: int, end: int) -> Match:
        """Return the same match at other offsets."""
        return Match(self.entity, self.category, self.score, start, end)


_Span = TypeVar("_Span", Finding, Match)


def merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the spans in order, those that overlap as one, which the highest `rank` names."""
    disjoint: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if disjoint and span.start < disjoint[-1].end:
            last = disjoint[-1]
            disjoint[-1] = max(last, span, key=rank).at(last.start, max(last.end, span.end))
        else:
            disjoint.append(span)
    return disjoint


def rank(span: Finding | Match) -> tuple[bool, float, int]:
    """Return what decides between two that overlap: a secret, then the score, then the length."""
    return span.category == "secret", span.score, span.end - span.start


@dataclass(frozen=True, slots=True)
class InspectedPart:
    """A part with what was found in it: `masked` has every finding replaced by its placeholder.

    `digest` is keyed (HMAC of role, kind and text), so that a record does not give a short value away to
    guessing, and a phrase that the system prompt may say is new when a tool result says it.
    """

    part: Part
    digest: str
    new: bool
    findings: tuple[Finding, ...]
    masked: str
    masked_pointer: str = ""  # when a key on the way holds a finding

    @property
    def pointer(self) -> str:
        """Where the part stands, as policy and the record may see it."""
        return self.masked_pointer or self.part.pointer


@dataclass(frozen=True, slots=True)
class Attributes:
    """What may be said of the values of one entity without giving one away; "" in a list is "not known".

    `outside` are those of the domains that are not the company's own, `internal` says that there are none.
    With `more`, not all values were looked at, or not all that was seen is listed.
    """

    domains: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    internal: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class FindingRow:
    """All findings of one entity in one prompt or completion: what policy sees of them."""

    entity: str
    category: Category
    count: int
    distinct: int
    new: int
    max_score: float
    roles: tuple[str, ...]
    kinds: tuple[str, ...]
    attributes: Attributes = Attributes()
