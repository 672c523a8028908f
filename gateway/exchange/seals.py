"""Events that hold what a provider signed: it goes out as it is, or the mark of the gateway in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.dialects import OtherEvent, SignedBlock, json_event, put
from gateway.exchange.mask import Masks, mask_for
from gateway.words import InspectedPart


def keep_back(
    item: OtherEvent, found: Sequence[InspectedPart], masks: Masks, withheld: set[str]
) -> tuple[OtherEvent, list[InspectedPart]]:
    """Return the event without what may not go out whole, and what else was found in it.

    `withheld` are the channels of which not all went out; those of a block that a mask covers come to them.
    """
    broken = [seal for seal in item.signed if seal.texts & withheld or _is_covered(seal, found, masks)]
    if not broken:
        return item, list(found)
    document, repeats = item.document, dict(item.repeats)
    for seal in broken:
        withheld |= seal.texts
        document = put(document, seal.at, seal.withheld)
        found = [one for one in found if one.part.kind != "signed" or not _is_in(seal, one.part.pointer)]
        repeats = {at: source for at, source in repeats.items() if not _is_in(seal, at)}
    event = json_event(document, item.event.event)
    return replace(item, event=event, document=document, repeats=repeats), list(found)


def _is_covered(seal: SignedBlock, found: Sequence[InspectedPart], masks: Masks) -> bool:
    return any(
        mask_for(masks, finding, one.part.kind)
        for one in found
        if one.part.kind == "signed" and _is_in(seal, one.part.pointer)
        for finding in one.findings
    )


def _is_in(seal: SignedBlock, pointer: str) -> bool:
    return pointer.startswith(f"{seal.at}/")
