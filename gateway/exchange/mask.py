"""Masking: placeholders for what policy and people see, and the decision's masks for what goes on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar, TypeVarTuple

from gateway.contract import CREDENTIAL_ENTITY, MASKABLE, Decision, Mask, Syntax, why_unmaskable
from gateway.dialects import at, drop, hidden, put, rename_keys
from gateway.errors import PolicyDenied
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Restored
from gateway.masking import Restorer, Vault, Where, apply_mask, splice_json, splice_pieces
from gateway.words import Finding, InspectedPart, Kind, Match, Part, ToolCall

_Arguments = TypeVarTuple("_Arguments")
_R = TypeVar("_R")
Masks = Mapping[str, Sequence[Mask]]  # by entity
_CREDENTIAL_MASK = Mask(entity=CREDENTIAL_ENTITY, operator="redact")
# Masking takes 7 µs a finding, and up to a third of one for each character of a text that is JSON.
_MANY_FINDINGS, MUCH_TEXT = 500, 16 * 1024
_PLACES: Mapping[str, Where] = {"key": "key", "number": "number"}
_RESTORED_KINDS: Mapping[str, Kind] = {  # beside text
    **dict.fromkeys(("json", "lines", "form"), "field"),
    "mcp": "tool_result",
}
_MUCH_TO_RESTORE = 4096  # characters: packed with placeholders a kB takes over a millisecond


async def masked_prompt(exchange: Exchange) -> Any:
    """Return the body with what the decision masks replaced; what may come back is kept for this exchange."""
    masks, body = masks_of(exchange.decision, enforced=exchange.enforced), exchange.received.body
    if not masks or not exchange.received.has_body:
        return body
    return await mask_off_loop(body, exchange.parts, masks, exchange.vault, exchange.inspected.own_words)


def masks_of(decision: Decision | None, *, enforced: bool) -> dict[str, tuple[Mask, ...]]:
    """Return the masks to carry out, by entity; none in a dry run."""
    masks: dict[str, tuple[Mask, ...]] = {}
    for mask in decision.mask if decision and enforced else ():
        masks[mask.entity] = (*masks.get(mask.entity, ()), mask)
    return masks


def mask_for(masks: Masks, finding: Finding | Match, kind: Kind) -> Mask | None:
    """Return the mask for what was found in a part of this kind.

    The gateway's own credential is redacted whatever policy says.
    """
    if finding.entity == CREDENTIAL_ENTITY:
        return _CREDENTIAL_MASK
    found = masks.get(finding.entity, ())
    return next((mask for mask in found if mask.covers(kind, finding.score)), None)


async def mask_off_loop(
    body: Any, parts: Sequence[InspectedPart], masks: Masks, vault: Vault, own_words: Set[str] = frozenset()
) -> Any:
    """Do what `mask_body` does, off the event loop when there is much to mask."""
    much = takes_long((one.part.text, one.findings) for one in parts)
    return await run(much, mask_body, body, parts, masks, vault, own_words)


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


def mask_body(
    body: Any, parts: Sequence[InspectedPart], masks: Masks, vault: Vault, own_words: Set[str] = frozenset()
) -> Any:
    """Put the masked text of every part that a mask covers into the body, in place, and return it.

    Raises PolicyDenied when a mask covers what cannot be masked.
    """
    rewriting = Rewriting(body)
    rewriting.mask(parts, masks, vault, own_words)
    return rewriting.end()


@dataclass(slots=True)
class Rewriting:
    """A body that is changed in place, by the pointers that it came with: its values first, keys at last."""

    body: Any
    _names: dict[str, str] = field(default_factory=dict)
    _restored: set[str] = field(default_factory=set)  # the keys that only a restored value renames
    _signed: set[str] = field(default_factory=set)
    _dropped: set[str] = field(default_factory=set)  # what is told of masked words

    def mask(
        self,
        parts: Sequence[InspectedPart],
        masks: Masks,
        vault: Vault,
        own_words: Set[str] = frozenset(),
    ) -> None:
        """Put the masked text of every part that a mask covers into the body.

        What a provider signed is never edited: its block is taken out, unless its digest is among
        `own_words`. Raises PolicyDenied when a mask covers what can be neither masked nor left out.
        """
        check_maskable(parts, masks)
        # a text may go on in the next one: its tokens by themselves do not show it
        spelled = {one.part.text: one.findings for one in parts if one.part.place == "value" and one.findings}
        keys = {one.part.pointer for one in parts if one.part.kind == "signed" and one.part.place == "key"}
        for inspected in parts:
            part = inspected.part
            if part.place == "tokens":
                found = (*inspected.findings, *spelled.get(part.text, ()))
                spans = [(one.start, one.end) for one in found if mask_for(masks, one, part.kind)]
                self._dropped.update(hidden(self.body, part, spans) if spans else ())
                continue
            if (text := masked_text(inspected, masks, vault)) is None:
                continue
            if part.kind != "signed":
                self.put(part, text)
            elif inspected.digest not in own_words:
                self._signed.add(self._block(part, keys))

    def _block(self, part: Part, keys: Set[str]) -> str:
        """Return the pointer of the block that holds what was signed; `keys` are those inside of blocks.

        Raises PolicyDenied when it is no member of a list: it cannot be left out as a whole.
        """
        block = part.block or part.pointer.rpartition("/")[0]
        above = itertools.accumulate(block.split("/"), lambda before, token: f"{before}/{token}")
        if not isinstance(at(self.body, block.rpartition("/")[0]), list) or not keys.isdisjoint(above):
            raise PolicyDenied("denied by the gateway: what a provider signed cannot be masked", reasons=[])
        return block

    def put(self, part: Part, value: Any) -> None:
        """Put a value where the part stands; the value of a key is its name."""
        if part.place == "key":
            self._names[part.pointer] = value
        else:
            self.body = put(self.body, part.pointer, value)

    def restore_key(self, part: Part, name: str) -> None:
        """Give a key back its name, unless the object has that one as well."""
        if part.pointer not in self._names:
            self._restored.add(part.pointer)
        self._names[part.pointer] = name

    def end(self) -> Any:
        """Return the body, its keys renamed and the blocks that were signed taken out."""
        rename_keys(self.body, self._names, kept=self._restored)
        drop(self.body, self._dropped | self._signed)
        drop(self.body, {message for block in self._signed if (message := self._emptied(block))})
        return self.body

    def _emptied(self, block: str) -> str:
        """Return the message of which nothing is left without this block, for providers refuse empty ones."""
        message, _, key = block.rpartition("/")[0].rpartition("/")
        among = at(self.body, message.rpartition("/")[0]) if message and key in ("content", "parts") else None
        return message if isinstance(among, list) and not at(self.body, f"{message}/{key}") else ""


def check_maskable(parts: Sequence[InspectedPart], masks: Masks, *, keys: bool = True) -> None:
    """Raise PolicyDenied when a mask covers a value that is syntax: it can only be refused.

    So is, in what cannot be taken apart, a key (`keys`) and what a provider signed.
    """
    for one in parts:
        if one.part.place in MASKABLE and (keys or (one.part.place != "key" and one.part.kind != "signed")):
            continue
        if any(mask_for(masks, finding, one.part.kind) for finding in one.findings):
            entities = ", ".join(sorted({finding.entity for finding in one.findings}))
            raise PolicyDenied(f"denied by the gateway: {why_unmaskable(entities)}", reasons=[])


def syntax_of(parts: Sequence[InspectedPart]) -> tuple[Syntax, ...]:
    """Return what was found in values that are syntax, part by part."""
    return tuple(
        Syntax(
            one.part.place,
            tuple(sorted({finding.entity for finding in one.findings})),
            one.part.kind,
            max(finding.score for finding in one.findings),
        )
        for one in parts
        if one.findings and one.part.place not in MASKABLE
    )


def masked_text(inspected: InspectedPart, masks: Masks, vault: Vault) -> str | None:
    """Return the part's text with the decision's masks carried out; None when none covers it."""
    part = inspected.part
    covered = [f for f in inspected.findings if mask_for(masks, f, part.kind)]
    if not covered:
        return None
    text = part.text

    def mask(finding: Finding, where: Where) -> str:
        chosen = mask_for(masks, finding, part.kind)
        assert chosen is not None
        where = _PLACES.get(part.place, where)
        if where == "key" and chosen.operator != "placeholder":  # two keys must not become one
            chosen = Mask(finding.entity, "placeholder")
        return apply_mask(chosen, finding, text[finding.start : finding.end], vault, where)

    is_spoken = part.role == "assistant" and part.kind == "text"  # as in a stream, whose end is not known
    return splice_pieces(text, covered, mask) if is_spoken else splice_json(text, covered, mask)


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
    found = [
        restorer.restores(one.part.text, call, one.part.pointer)
        for one in parts
        if one.part.pointer in call.pointers
    ]
    return tuple(dict.fromkeys(pair for pairs in found for pair in pairs))


def is_text(exchange: Exchange, part: Part) -> bool:
    """Return whether values come back here. Clients may open a URL in a field of a known dialect."""
    return part.kind == "text" or part.kind == _RESTORED_KINDS.get(exchange.dialect)


def restores_much(exchange: Exchange, parts: Iterable[InspectedPart]) -> bool:
    """Return whether restoring the prompt's values would hold up the event loop."""
    return not exchange.restorer.is_idle and sum(len(one.part.text) for one in parts) > _MUCH_TO_RESTORE
