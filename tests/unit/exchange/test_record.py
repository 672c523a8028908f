"""What the record says of a finding is what was done to it."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest

from gateway.contract.decision import Action, Decision, Mask, Operator
from gateway.contract.guards import CREDENTIAL_ENTITY
from gateway.exchange.mask import masked_text, masks_of
from gateway.exchange.record import _treatment
from gateway.masking import Vault
from gateway.words import Finding, InspectedPart, Part

VALUE = "jane.roe@acme.org"


def row(entity: str, *kinds: str) -> dict[str, Any]:
    return {"entity": entity, "max_score": 0.6, "kinds": kinds or ("text",)}


@pytest.mark.parametrize(
    ("mask", "kind", "treatment"),
    [
        (Mask("IP_ADDRESS", "redact", min_score=0.85), "text", "passed"),
        (Mask("IP_ADDRESS", "redact", min_score=0.5), "text", "redacted"),
        (Mask("IP_ADDRESS", "redact", places=("text",)), "tool_call", "passed"),
        (Mask("IP_ADDRESS", "redact", places=("tools",)), "tool_call", "redacted"),
    ],
)
def test_what_no_mask_covers_is_recorded_as_passed(mask: Mask, kind: str, treatment: str) -> None:
    decision = Decision("mask", mask=(mask,))
    assert _treatment(row("IP_ADDRESS", kind), decision, enforced=True) == treatment


@pytest.mark.parametrize(
    ("action", "operator", "enforced"),
    list(itertools.product(get_args(Action), (None, *get_args(Operator)), (True, False))),
)
def test_a_treatment_is_what_the_masks_do(action: Action, operator: Operator | None, enforced: bool) -> None:
    """For each decision there is: `passed` exactly when the value stands in the text that goes on."""
    masks = (Mask("EMAIL_ADDRESS", operator),) if operator else ()
    decision = Decision(action=action, mask=masks, revision="r1")
    finding = Finding("EMAIL_ADDRESS", "pii", 1.0, "/a", 3, 3 + len(VALUE))
    part = InspectedPart(Part("user", "text", "/a", f"to {VALUE}!"), "d", True, (finding,), "")
    carried_out = masks_of(decision, enforced=enforced)
    text = masked_text(part, carried_out, Vault(bytes(32))) or part.part.text
    treatment = _treatment(row("EMAIL_ADDRESS"), decision, enforced=enforced)

    if enforced and action in ("deny", "require_approval"):
        assert treatment == "refused"
    else:
        assert (treatment == "passed") is (VALUE in text)
        assert (treatment == "redacted") is (enforced and operator == "redact")


def test_the_gateways_own_credential_never_passes() -> None:
    """It is redacted in a dry run as well."""
    decision = Decision(action="allow", revision="r1")

    assert _treatment(row(CREDENTIAL_ENTITY), decision, enforced=False) == "redacted"
