"""What the record says of a finding is what was done to it."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from gateway.contract.decision import Action, Decision, Mask, Operator
from gateway.contract.guards import CREDENTIAL_ENTITY
from gateway.exchange.mask import masked_text, masks_of
from gateway.exchange.record import _treatment
from gateway.masking import Vault
from gateway.words import Finding, InspectedPart, Part

VALUE = "jane.roe@acme.org"


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
    treatment = _treatment("EMAIL_ADDRESS", decision, enforced=enforced)

    if enforced and action in ("deny", "require_approval"):
        assert treatment == "refused"
    else:
        assert (treatment == "passed") is (VALUE in text)
        assert (treatment == "redacted") is (enforced and operator == "redact")


def test_the_gateways_own_credential_never_passes() -> None:
    """It is redacted in a dry run as well."""
    decision = Decision(action="allow", revision="r1")

    assert _treatment(CREDENTIAL_ENTITY, decision, enforced=False) == "redacted"
