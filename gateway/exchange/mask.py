"""Masking: placeholders for what policy and people see, and the decision's masks for what goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from gateway.contract import CREDENTIAL_ENTITY, MASKABLE, Decision, Mask, Syntax, why_unmaskable
from gateway.dialects import put
from gateway.errors import PolicyDenied
from gateway.exchange.exchange import Exchange, Restored
from gateway.masking import Restorer, Vault, apply_mask, splice_json
from gateway.words import Finding, InspectedPart, Part, ToolCall

_Arguments = TypeVarTuple("_Arguments")
_R = TypeVar("_R")
Masks = Mapping[str, Mask | None]  # by entity
_CREDENTIAL_MASK = Mask(entity=CREDENTIAL_ENTITY, operator="redact")
# Masking takes 7 µs a finding, and up to a third of one for each character of a text that is JSON.
_MANY_FINDINGS, MUCH_TEXT = 500, 16 * 1024
_MUCH_TO_RESTORE = 4096  # characters: packed with placeholders a kB takes over a millisecond


async def masked_prompt(exchange: Exchange) -> Any:
    """Return the body with what the decision masks replaced; what may come back is kept for this exchange."""
    masks, body = masks_of(exchange.decision, enforced=exchange.enforced), exchange.received.body
    if not masks or exchange.dialect == "none":
        return body
    return await mask_off_loop(body, exchange.parts, masks, exchange.vault)


def masks_of(decision: Decision | None, *, enforced: bool) -> dict[str, Mask]:
    """Return the masks to carry out, by entity; none in a dry run."""
    return {mask.entity: mask for mask in decision.mask} if decision and enforced else {}


def mask_for(masks: Masks, entity: str) -> Mask | None:
    """Return the mask for an entity. The gateway's own credential is redacted whatever policy says."""
    return _CREDENTIAL_MASK if entity == CREDENTIAL_ENTITY else masks.get(entity)


async def mask_off_loop(body: Any, parts: Sequence[InspectedPart], masks: Masks, vault: Vault) -> Any:
    """Do what `mask_body` does, off the event loop when there is much to mask."""
    much = takes_long((one.part.text, one.findings) for one in parts)
    return await run(much, mask_body, body, parts, masks, vault)


async def run(off_loop: bool, work: Callable[[*_Arguments], _R], *given: *_Arguments) -> _R:
    """Do the work, off the event loop when it takes long."""
    return await asyncio.to_thread(work, *given) if off_loop else work(*given)


def takes_long(texts: Iterable[tuple[str, Sequence[Finding]]]) -> bool:
    """Return whether masking what was found in these texts would hold up the event loop."""
    findings = characters = 0
    for text, found in texts:
        if found:
            findings, characters = findings + len(found), characters + len(text)
    return findings > _MANY_FINDINGS or characters > MUCH_TEXT


def mask_body(body: Any, parts: Sequence[InspectedPart], masks: Masks, vault: Vault) -> Any:
    """Put the masked text of every part that a mask covers into the body, in place, and return it.

    Raises PolicyDenied when a mask covers what cannot be masked.
    """
    check_maskable(parts, masks)
    for inspected in parts:
        text = masked_text(inspected, masks, vault)
        if text is not None:
            body = put(body, inspected.part.pointer, text)
    return body


def check_maskable(parts: Sequence[InspectedPart], masks: Masks) -> None:
    """Raise PolicyDenied when a mask covers a key, or a value that is syntax: it can only be refused."""
    for one in syntax_of(parts):
        if any(mask_for(masks, entity) for entity in one.entities):
            raise PolicyDenied(f"denied by the gateway: {why_unmaskable(one)}", reasons=[])


def syntax_of(parts: Sequence[InspectedPart]) -> tuple[Syntax, ...]:
    """Return what was found in keys and in values that are syntax, part by part."""
    return tuple(
        Syntax(inspected.part.place, tuple(sorted({finding.entity for finding in inspected.findings})))
        for inspected in parts
        if inspected.findings and inspected.part.place not in MASKABLE
    )


def masked_text(inspected: InspectedPart, masks: Masks, vault: Vault) -> str | None:
    """Return the part's text with the decision's masks carried out; None when none covers it."""
    covered = [f for f in inspected.findings if mask_for(masks, f.entity)]
    if not covered:
        return None
    text = inspected.part.text

    def mask(finding: Finding, *, in_key: bool = False) -> str:
        chosen = mask_for(masks, finding.entity)
        assert chosen is not None
        if in_key and chosen.operator != "placeholder":
            chosen = Mask(finding.entity, "placeholder")
        return apply_mask(chosen, finding, text[finding.start : finding.end], vault)

    return splice_json(text, covered, mask, partial(mask, in_key=True))


def masked_texts(parts: Sequence[InspectedPart]) -> dict[str, str]:
    """Map raw text to masked text, for the parts that hold a value."""
    return {inspected.part.text: inspected.masked for inspected in parts if holds_value(inspected)}


def holds_value(inspected: InspectedPart) -> bool:
    """Return whether the part differs from what may be shown of it.

    A finding makes it differ, and so does a value of the prompt that a completion repeats.
    """
    return inspected.masked != inspected.part.text


def restored_by(call: ToolCall, parts: Sequence[InspectedPart], restorer: Restorer) -> Restored:
    """Return what restoring the call's placeholders would put into it."""
    texts = [part.part.text for part in parts if part.part.pointer in call.pointers]
    return tuple(dict.fromkeys(pair for text in texts for pair in restorer.restores(text)))


def is_text(exchange: Exchange, part: Part) -> bool:
    """Return whether values come back here. Clients may open a URL in a field of a known dialect."""
    return part.kind == "text" or (exchange.dialect == "json" and part.kind == "field")


def restores_much(exchange: Exchange, parts: Iterable[InspectedPart]) -> bool:
    """Return whether restoring the prompt's values would hold up the event loop."""
    return not exchange.restorer.is_idle and sum(len(one.part.text) for one in parts) > _MUCH_TO_RESTORE
