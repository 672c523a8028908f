"""What policy says about one exchange, parsed once and strictly: anything unexpected is a PolicyError.

The shape is the policy contract (`docs/reference/policy.md`). Only `action` is required.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

import msgspec

from gateway.errors import PolicyError
from gateway.words import Kind, Requirement

Action = Literal["allow", "mask", "require_approval", "deny"]
Operator = Literal["placeholder", "redact", "partial", "hash"]
Severity = Literal["low", "medium", "high", "critical"]
MaskPlace = Literal["text", "tools", "signed"]
ACTIONS: tuple[Action, ...] = ("allow", "mask", "require_approval", "deny")


_NO_TABLES: Mapping[str, str] = MappingProxyType({})
_PLACES: dict[Kind, MaskPlace] = {"tool_call": "tools", "signed": "signed"}


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why: the rule that spoke, in words that an approver understands."""

    rule: str
    title: str = ""
    message: str = ""
    severity: Severity = "medium"
    controls: tuple[str, ...] = ()


class Warned(Reason, frozen=True, forbid_unknown_fields=True):
    """A reason that changes nothing; `would` is the action of a rule that is only logged or waived.

    `waiver` names the tickets of the waivers that held.
    """

    would: Literal["", "mask", "require_approval", "deny"] = ""
    waiver: str = ""


class Mask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one entity is masked; `restore` gives the value back to the caller in the completion.

    It covers findings with at least this score, in these places; no places are all of them. `restore_to`
    names where the value comes back: `text`, `tools`, a tool, an argument as in `send_invoice.address`;
    without it, everywhere.
    """

    entity: str
    operator: Operator = "placeholder"
    restore: bool = False
    restore_to: tuple[str, ...] | None = None
    min_score: float = 0
    places: tuple[MaskPlace, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:  # neither does NaN: nothing would be masked
            raise ValueError("expected min_score from 0 to 1")
        if self.restore_to is not None and not self.restore:
            raise ValueError("expected restore: true with restore_to")
        if self.restore_to == ():  # of a rule whose list came out empty: it did not mean everywhere
            raise ValueError("expected a destination in restore_to; restore: false gives nothing back")

    def covers(self, kind: Kind, score: float) -> bool:
        """Return whether a finding of this score, in a part of this kind, is masked."""
        return score >= self.min_score and (not self.places or mask_place(kind) in self.places)


def mask_place(kind: Kind) -> MaskPlace:
    """Return where a part of this kind is, for a mask: in tool calls, under a signature, or in text."""
    return _PLACES.get(kind, "text")


class ApprovalTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may approve, how many, how long the request waits and the approval lives (seconds).

    `quorum` people of `groups` must agree, and people of their own for each requirement in `all_of`.
    """

    groups: tuple[str, ...] = ()
    quorum: int = 1
    all_of: Annotated[tuple[Requirement, ...], msgspec.Meta(max_length=8)] = ()
    wait_seconds: float = 60
    expires_seconds: float = 900

    def __post_init__(self) -> None:
        if self.quorum < 1:
            raise ValueError("expected a quorum of at least 1")
        if not (0 <= self.wait_seconds <= 3600 and 0 < self.expires_seconds <= 30 * 86400):
            raise ValueError("expected wait_seconds within an hour and expires_seconds within 30 days")


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict on one exchange in one phase.

    `revision` is the policy's, `tables` are those of the tables that it may have read, by their names: both
    are stamped by the engine.
    """

    action: Action
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Warned, ...] = ()
    mask: tuple[Mask, ...] = ()
    approval: ApprovalTerms = ApprovalTerms()
    record: Literal["masked", "metadata", "full"] = "masked"
    response: Literal["findings", "always"] = "findings"
    retry_after: Annotated[int, msgspec.Meta(ge=0)] = 0  # seconds; 0: asking again is of no use
    revision: str = ""
    tables: dict[str, str] = {}


def parse_decision(document: object, revision: str, tables: Mapping[str, str] = _NO_TABLES) -> Decision:
    """Parse what the engine answered into a Decision.

    Raises PolicyError on an undefined, malformed or self-contradicting decision: never a weaker action.
    """
    if not isinstance(document, dict):
        raise PolicyError("policy is undefined for this request: expected an object at data.regate.decision")
    if stamped := [key for key in ("revision", "tables") if key in document]:
        raise PolicyError(f"policy decision holds the key {stamped[0]!r}, which only the engine may set")
    try:
        decision = msgspec.convert({**document, "revision": revision, "tables": {**tables}}, Decision)
    except msgspec.ValidationError as error:
        raise PolicyError(f"malformed policy decision: {error}") from error
    if decision.action == "mask" and not decision.mask:
        raise PolicyError("malformed policy decision: action is mask, but the mask list is empty")
    masked = [(mask.entity, place) for mask in decision.mask for place in mask.places or get_args(MaskPlace)]
    if len(set(masked)) != len(masked):
        raise PolicyError("malformed policy decision: an entity is masked twice")
    return decision


def to_document(decision: Decision) -> dict[str, Any]:
    """Return the decision as plain data, for records and the admin API."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(decision))
    if not decision.tables:
        del document["tables"]
    return document
