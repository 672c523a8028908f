"""What the gateway refuses although policy would pass it: the same guards on live traffic and in a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contract.decision import Decision, Mask, Reason
from gateway.contract.entities import CREDENTIAL_ENTITY
from gateway.words import Kind, PartPlace

MASKABLE: tuple[PartPlace, ...] = ("value", "number", "key", "constant", "tokens")


@dataclass(frozen=True, slots=True)
class Syntax:
    """Entities, sorted, in one part that is syntax: masking them would change what is asked.

    `score` is the highest of the findings'.
    """

    place: PartPlace
    entities: tuple[str, ...]
    kind: Kind = "field"
    score: float = 1.0


def guard(decision: Decision, *, syntax: Sequence[Syntax], approval_status: str, enforced: bool) -> Decision:
    """Return the decision to carry out: deny where a mask cannot be applied, and on a second hold.

    In a dry run (`enforced` is false) no mask is carried out, so none can fail; the gateway's own credential
    is masked even then.
    """
    masks = [Mask(CREDENTIAL_ENTITY), *(decision.mask if enforced else ())]
    stuck = next((one for one in syntax if any(_covers(mask, one) for mask in masks)), None)
    if stuck is not None and decision.action != "deny":
        decision = _denied(decision, "gateway.unmaskable", why_unmaskable(", ".join(stuck.entities)))
    if decision.action == "require_approval" and approval_status == "approved":
        return _denied(decision, "gateway.second_hold", "policy asks for approval of an approved exchange")
    return decision


def _covers(mask: Mask, one: Syntax) -> bool:
    return mask.entity in one.entities and mask.covers(one.kind, one.score)


def why_unmaskable(entities: str) -> str:
    return f"{entities} in a field that is syntax cannot be masked"


def _denied(decision: Decision, rule: str, message: str) -> Decision:
    reason = Reason(rule=rule, title="Refused by the gateway", message=message, severity="high")
    return Decision(
        action="deny", reasons=(reason, *decision.reasons), record=decision.record, revision=decision.revision
    )
