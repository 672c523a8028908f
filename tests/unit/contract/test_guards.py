"""What the gateway refuses although policy would pass it."""

import pytest

from gateway.contract import Decision
from gateway.contract.decision import Mask
from gateway.contract.guards import CREDENTIAL_ENTITY, Syntax, guard
from gateway.words import Kind

MASKS = Decision(action="mask", mask=(Mask("US_SSN"),), record="full", revision="r1")


def test_a_mask_on_syntax_is_a_denial_that_keeps_the_record() -> None:
    decided = guard(MASKS, syntax=[Syntax("structural", ("US_SSN",))], approval_status="", enforced=True)
    assert (decided.action, decided.record, decided.revision) == ("deny", "full", "r1")
    assert decided.reasons[0].message == "US_SSN in a field that is syntax cannot be masked"


@pytest.mark.parametrize(
    ("mask", "kind", "score", "action"),
    [
        (Mask("US_SSN", min_score=0.85), "field", 0.5, "mask"),
        (Mask("US_SSN", min_score=0.85), "field", 0.85, "deny"),
        (Mask("US_SSN", places=("text",)), "tool_call", 1.0, "mask"),
        (Mask("US_SSN", places=("tools",)), "tool_call", 1.0, "deny"),
    ],
)
def test_syntax_that_no_mask_covers_passes(mask: Mask, kind: Kind, score: float, action: str) -> None:
    syntax = Syntax("structural", ("US_SSN",), kind, score)
    decided = guard(Decision("mask", mask=(mask,)), syntax=[syntax], approval_status="", enforced=True)
    assert decided.action == action


def test_a_dry_run_masks_nothing_but_the_credential() -> None:
    own, other = Syntax("structural", (CREDENTIAL_ENTITY,)), Syntax("structural", ("US_SSN",))
    assert guard(MASKS, syntax=[other], approval_status="", enforced=False) == MASKS
    assert guard(MASKS, syntax=[own], approval_status="", enforced=False).action == "deny"


@pytest.mark.parametrize(("status", "action"), [("", "require_approval"), ("approved", "deny")])
def test_an_approved_request_is_not_held_again(status: str, action: str) -> None:
    asked = Decision(action="require_approval")
    assert guard(asked, syntax=[], approval_status=status, enforced=True).action == action
