"""An event holds what was signed as it is, or the gateway's mark in its place."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.contract.decision import Mask
from gateway.dialects import OtherEvent, SignedBlock, json_event
from gateway.exchange.seals import keep_back
from gateway.words import Finding, InspectedPart, Part

MASKS = {"CREDIT_CARD": (Mask("CREDIT_CARD", "redact"),)}
SEAL = SignedBlock("/item", frozenset({"/output/0/summary/0/text"}), {"seal": "broken"})


def event(document: Any) -> OtherEvent:
    repeats = {"/item/text": "/output/0/summary/0/text", "/note": "other"}
    return OtherEvent(json_event(document, "done"), document, (), repeats=repeats, signed=(SEAL,))


def inspected(pointer: str, kind: Any) -> InspectedPart:
    found = (Finding("CREDIT_CARD", "pii", 1, pointer, 0, 4),)
    return InspectedPart(Part("assistant", kind, pointer, "4111"), "", True, found, "x")


def test_what_no_mask_covers_stays_as_it_is() -> None:
    item, others = event({"item": {"text": "a"}}), [inspected("/item/text", "signed")]
    assert keep_back(item, others, {}, set()) == (item, others)


@pytest.mark.parametrize("by_text", [True, False])
def test_a_block_goes_out_broken_when_a_text_of_it_did_not_or_a_mask_covers_it(by_text: bool) -> None:
    withheld = set(SEAL.texts) if by_text else set()
    outside = inspected("/note", "text")
    found = [outside] if by_text else [outside, inspected("/item/text", "signed")]
    item, others = keep_back(event({"item": {"text": "a"}, "note": "n"}), found, MASKS, withheld)
    assert item.event.data == '{"item":{"seal":"broken"},"note":"n"}'
    assert item.repeats == {"/note": "other"}
    assert others == [outside]
    assert withheld == SEAL.texts


def test_what_stands_beside_a_block_breaks_no_seal() -> None:
    item, others = (
        event({"item": {}, "note": "4111"}),
        [inspected("/note", "signed"), inspected("/item", "text")],
    )
    assert keep_back(item, others, MASKS, set()) == (item, others)
