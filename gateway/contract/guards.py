"""What the gateway refuses although policy would pass it: the same guards on live traffic and in a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contract.decision import Decision, Reason
from gateway.words import PartPlace

CREDENTIAL_ENTITY = "PROVIDER_CREDENTIAL"
MASKABLE: tuple[PartPlace, ...] = ("value", "number")
_WHERE = {"key": "an object key", "structural": "a field that is syntax"}


@dataclass(frozen=True, slots=True)
class Syntax:
    """Entities, sorted, in one part that is a key or syntax: masking them would change what is asked."""

    place: PartPlace
    entities: tuple[str, ...]


def guard(decision: Decision, *, syntax: Sequence[Syntax], approval_status: str, enforced: bool) -> Decision:
    """Return the decision to carry out: deny where a mask cannot be applied, and on a second hold.

    In a dry run (`enforced` is false) no mask is carried out, so none can fail; the gateway's own credential
    is masked even then.
    """
    masked = {CREDENTIAL_ENTITY, *(mask.entity for mask in decision.mask if enforced)}
    stuck = next((one for one in syntax if masked.intersection(one.entities)), None)
    if stuck is not None and decision.action != "deny":
        decision = _denied(decision, "gateway.unmaskable", why_unmaskable(stuck))
    if decision.action == "require_approval" and approval_status == "approved":
        return _denied(decision, "gateway.second_hold", "policy asks for approval of an approved exchange")
    return decision


def why_unmaskable(stuck: Syntax) -> str:
    return f"{', '.join(stuck.entities)} in {_WHERE[stuck.place]} cannot be masked"


def _denied(decision: Decision, rule: str, message: str) -> Decision:
    reason = Reason(rule=rule, title="Refused by the gateway", message=message, severity="high")
    return Decision(
        action="deny", reasons=(reason, *decision.reasons), record=decision.record, revision=decision.revision
    )
