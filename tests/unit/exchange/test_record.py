"""What the record says of a finding is what was done to it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest

from gateway.contract.decision import Action, Decision, Mask, Operator
from gateway.contract.guards import CREDENTIAL_ENTITY
from gateway.exchange.mask import masked_text, masks_of
from gateway.exchange.record import _treated
from gateway.masking import Vault
from gateway.words import Finding, InspectedPart, Kind, Part, Treatment

VALUE = "jane.roe@acme.org"


def part(entity: str, kind: Kind = "text", score: float = 0.6, digest: str = "d") -> InspectedPart:
    """A part with one finding."""
    finding = Finding(entity, "pii", score, "/a", 3, 3 + len(VALUE))
    return InspectedPart(Part("assistant", kind, "/a", f"to {VALUE}!"), digest, True, (finding,), "")


def treatment(
    decision: Decision, *parts: InspectedPart, enforced: bool = True, own_words: Sequence[str] = ()
) -> Treatment:
    """Return what the record says of the one entity in these parts."""
    rows = [{"entity": parts[0].findings[0].entity}]
    (said,) = _treated(rows, decision, parts, frozenset(own_words), enforced=enforced)
    found: Treatment = said["treatment"]
    return found


@pytest.mark.parametrize(
    ("mask", "kind", "expected"),
    [
        (Mask("IP_ADDRESS", "redact", min_score=0.85), "text", "passed"),
        (Mask("IP_ADDRESS", "redact", min_score=0.5), "text", "redacted"),
        (Mask("IP_ADDRESS", "redact", places=("text",)), "tool_call", "passed"),
        (Mask("IP_ADDRESS", "redact", places=("tools",)), "tool_call", "redacted"),
    ],
)
def test_what_no_mask_covers_is_recorded_as_passed(mask: Mask, kind: Kind, expected: Treatment) -> None:
    assert treatment(Decision("mask", mask=(mask,)), part("IP_ADDRESS", kind)) == expected


@pytest.mark.parametrize(
    "other", [part("IP_ADDRESS", "tool_call", 0.9), part("IP_ADDRESS", "text", 0.5)], ids=["place", "score"]
)
def test_a_value_that_passes_is_not_recorded_under_the_name_of_a_masked_one(other: InspectedPart) -> None:
    """A sure value in text is redacted, and another of its entity goes on as it is."""
    decision = Decision("mask", mask=(Mask("IP_ADDRESS", "redact", min_score=0.85, places=("text",)),))
    assert treatment(decision, part("IP_ADDRESS", "text", 0.9)) == "redacted"
    assert treatment(decision, part("IP_ADDRESS", "text", 0.9), other) == "passed"


def test_what_its_provider_signed_is_recorded_as_passed_when_it_goes_back() -> None:
    decision = Decision("mask", mask=(Mask("CREDIT_CARD"),))
    said = part("CREDIT_CARD", "signed", 1.0, "theirs")
    assert treatment(decision, said) == "masked"
    assert treatment(decision, said, own_words=["theirs"]) == "passed"
    assert treatment(decision, replace(said, part=part("", "text").part), own_words=["theirs"]) == "masked"


@pytest.mark.parametrize(
    ("action", "operator", "enforced"),
    list(itertools.product(get_args(Action), (None, *get_args(Operator)), (True, False))),
)
def test_a_treatment_is_what_the_masks_do(action: Action, operator: Operator | None, enforced: bool) -> None:
    """For each decision there is: `passed` exactly when the value stands in the text that goes on."""
    masks = (Mask("EMAIL_ADDRESS", operator),) if operator else ()
    decision = Decision(action=action, mask=masks, revision="r1")
    found = part("EMAIL_ADDRESS")
    carried_out = masks_of(decision, enforced=enforced)
    text = masked_text(found, carried_out, Vault(bytes(32))) or found.part.text
    said = treatment(decision, found, enforced=enforced)

    if enforced and action in ("deny", "require_approval"):
        assert said == "refused"
    else:
        assert (said == "passed") is (VALUE in text)
        assert (said == "redacted") is (enforced and operator == "redact")


def test_the_gateways_own_credential_never_passes() -> None:
    """It is redacted in a dry run as well."""
    decision = Decision(action="allow", revision="r1")

    assert treatment(decision, part(CREDENTIAL_ENTITY), enforced=False) == "redacted"
