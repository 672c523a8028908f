"""What policy says about one exchange, parsed once and strictly: anything unexpected is a PolicyError.

The shape is the policy contract (`docs/reference/policy.md`). Only `action` is required.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from gateway.errors import PolicyError
from gateway.words import Kind

Action = Literal["allow", "mask", "require_approval", "deny"]
Operator = Literal["placeholder", "redact", "partial", "hash"]
Severity = Literal["low", "medium", "high", "critical"]
MaskPlace = Literal["text", "tools", "signed"]
ACTIONS: tuple[Action, ...] = ("allow", "mask", "require_approval", "deny")


_PLACES: dict[Kind, MaskPlace] = {"tool_call": "tools", "signed": "signed"}


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why: the rule that spoke, in words that an approver understands."""

    rule: str
    title: str = ""
    message: str = ""
    severity: Severity = "medium"
    controls: tuple[str, ...] = ()


class Mask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one entity is masked; `restore` gives the value back to the caller in the completion.

    It covers findings with at least this score, in these places; no places are all of them.
    """

    entity: str
    operator: Operator = "placeholder"
    restore: bool = False
    min_score: float = 0
    places: tuple[MaskPlace, ...] = ()

    def covers(self, kind: Kind, score: float) -> bool:
        """Return whether a finding of this score, in a part of this kind, is masked."""
        return score >= self.min_score and (not self.places or mask_place(kind) in self.places)


def mask_place(kind: Kind) -> MaskPlace:
    """Return where a part of this kind is, for a mask: in tool calls, under a signature, or in text."""
    return _PLACES.get(kind, "text")


class ApprovalTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may approve, how many, how long the request waits and the approval lives (seconds)."""

    groups: tuple[str, ...] = ()
    quorum: int = 1
    wait_seconds: float = 60
    expires_seconds: float = 900

    def __post_init__(self) -> None:
        if self.quorum < 1:
            raise ValueError("expected a quorum of at least 1")
        if not (0 <= self.wait_seconds <= 3600 and 0 < self.expires_seconds <= 30 * 86400):
            raise ValueError("expected wait_seconds within an hour and expires_seconds within 30 days")


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict on one exchange in one phase. `revision` is the policy's, stamped by the engine."""

    action: Action
    reasons: tuple[Reason, ...] = ()
    mask: tuple[Mask, ...] = ()
    approval: ApprovalTerms = ApprovalTerms()
    record: Literal["masked", "metadata", "full"] = "masked"
    response: Literal["findings", "always"] = "findings"
    revision: str = ""


def parse_decision(document: object, revision: str) -> Decision:
    """Parse what the engine answered into a Decision.

    Raises PolicyError on an undefined, malformed or self-contradicting decision: never a weaker action.
    """
    if not isinstance(document, dict):
        raise PolicyError("policy is undefined for this request: expected an object at data.regate.decision")
    if "revision" in document:
        raise PolicyError("policy decision holds the key 'revision', which only the engine may set")
    try:
        decision = msgspec.convert({**document, "revision": revision}, Decision)
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
    return document
