"""What policy is told beside the prompt: the session, what was used, the approval, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

import msgspec

Phase = Literal["request", "response"]


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What happened in this session before this exchange."""

    exchanges: int = 0
    denied: int = 0
    masked: int = 0
    held: int = 0
    tokens: int = 0
    entities: tuple[str, ...] = ()


Window = Literal["1m", "1d", "1mo", "day", "month"]
"""A stretch of time up to now: the last 60 seconds, 24 hours, 30 days; this day or month of the calendar."""
WINDOWS: tuple[Window, ...] = get_args(Window)
UsageScope = Literal["agent", "person", "team", "key"]
USAGE_SCOPES: tuple[UsageScope, ...] = get_args(UsageScope)


class Used(msgspec.Struct, frozen=True):
    """What was used in one window; the cost in millionths, 0 where no prices are configured.

    `turns_in` is in how many seconds the window lets go of the oldest of it; 0 when that is not known.
    """

    requests: int = 0
    tokens: int = 0
    cost_micros: int = 0
    turns_in: int = 0


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What agent, person, team and key used in each window, this exchange's reservation included."""

    agent: Mapping[Window, Used] = field(default_factory=dict)
    person: Mapping[Window, Used] = field(default_factory=dict)
    team: Mapping[Window, Used] = field(default_factory=dict)
    key: Mapping[Window, Used] = field(default_factory=dict)  # of a key with limits of its own

    @classmethod
    def of_first(cls) -> UsageFacts:
        """Return the facts of a request before which nothing was used."""
        first: dict[Window, Used] = dict.fromkeys(WINDOWS, Used(1))
        return cls(first, first, first)


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many people of these groups must agree; no groups are any."""

    groups: tuple[str, ...] = ()
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1


class Consent(msgspec.Struct, frozen=True):
    """One person who agreed, and the groups that their key had then."""

    approver: str
    groups: tuple[str, ...]


class Met(msgspec.Struct, frozen=True):
    """A requirement of an approval and the people who count for it."""

    groups: tuple[str, ...]
    count: int
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The approval that speaks for this exchange; status "" when there is none.

    `groups` are those that the approvers' keys had when they voted, `quorum` (-1 when there is none) is how
    many people had to agree, `revision` is that of the policy which asked for the approval. `consents` say
    who agreed with which groups, `all_of` who counts for which requirement.
    """

    id: str = ""
    status: str = ""
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quorum: int = -1
    note: str = ""
    revision: str = ""
    consents: tuple[Consent, ...] = ()
    all_of: tuple[Met, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """The provider's answer; -1 and "" in the request phase."""

    status: int = -1
    finish_reason: str = ""
