"""From parts to inspected parts: what was found, what is new, what text policy and the record may see."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gateway import detect
from gateway.config import ServerKey
from gateway.contract import CREDENTIAL_ENTITY, MASKABLE, Mask, Syntax, why_unmaskable
from gateway.dialects import escape, put
from gateway.errors import PolicyDenied
from gateway.exchange.exchange import Exchange
from gateway.masking import JsonDepths, StreamScanner, Vault, apply_mask, splice_json
from gateway.upstream import down_headers
from gateway.words import Finding, InspectedPart, Match, Part

_CREDENTIAL_MASK = Mask(entity=CREDENTIAL_ENTITY, operator="redact")
_MANY = 500  # parts: about 10 ms of digests
# Masking takes 7 µs a finding, and up to a third of one for each character of a text that is JSON.
_MANY_FINDINGS, _MUCH_TEXT = 500, 16 * 1024
_SHORT = 8  # characters: no value that is looked for is shorter


class Inspector:
    """Finds, digests and masks the parts of one prompt or completion."""

    def __init__(
        self, inspection: detect.DetectionService, detector: detect.Detector, key: ServerKey
    ) -> None:
        self._inspection = inspection
        self._detector = detector
        self._key = key

    async def prompt(self, exchange: Exchange, parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
        """Return the prompt's parts, all of them new so far. Raises InspectionFailed."""
        async with detect.in_time(self._inspection.seconds):
            await _reserve(exchange.vault, [part.text for part in parts])
            return await self._inspected(exchange, parts, names=True)

    async def aside(self, exchange: Exchange, parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
        """Parts that belong to no conversation: the path, the query, headers. They are always new."""
        async with detect.in_time(self._inspection.seconds):
            return await self._inspected(exchange, parts, names=False)

    async def _inspected(
        self, exchange: Exchange, parts: Sequence[Part], *, names: bool
    ) -> tuple[InspectedPart, ...]:
        found = await self._inspection.find(parts, names=names)

        def inspect(part: Part, findings: tuple[Finding, ...]) -> InspectedPart:
            masked = placeholders(part.text, findings, exchange.vault) if findings else part.text
            return InspectedPart(part, self.digest(part), True, findings, masked)

        return await self._for_each(inspect, parts, found)

    async def completion(self, exchange: Exchange, parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
        """A completion's parts: values that the prompt itself held are masked, but are no findings again."""

        def inspect(part: Part, findings: tuple[Finding, ...]) -> InspectedPart:
            findings += credential_findings(exchange, part)
            brought = tuple(f for f in findings if not exchange.vault.holds(part.text[f.start : f.end]))
            masked = self._masked(part.text, findings, exchange) if findings else part.text
            return InspectedPart(part, self.digest(part), True, brought, masked)

        async with detect.in_time(self._inspection.seconds):
            return await self._for_each(inspect, parts, await self._inspection.find(parts))

    async def headers(self, exchange: Exchange, sent: Mapping[str, str]) -> dict[str, str]:
        """The provider's headers that may go down. One with a finding is left out: it cannot be masked."""
        headers = down_headers(sent, exchange.upstream.secret)
        long = [Part("", "field", name, text) for name, text in headers.items() if len(text) > _SHORT]
        found = await self._inspection.find(long)
        tainted = {part.pointer for part, findings in zip(long, found, strict=True) if findings}
        return {name: text for name, text in headers.items() if name not in tainted}

    async def _for_each(
        self,
        inspect: Callable[[Part, tuple[Finding, ...]], InspectedPart],
        parts: Sequence[Part],
        found: Sequence[tuple[Finding, ...]],
    ) -> tuple[InspectedPart, ...]:
        """Inspect every part; many of them off the event loop."""
        deadline = detect.Deadline(self._inspection.seconds)  # a thread goes on when its caller has left

        def in_time(part: Part, findings: tuple[Finding, ...]) -> InspectedPart:
            deadline.left()
            return inspect(part, findings)

        def work() -> tuple[InspectedPart, ...]:
            return _with_masked_pointers([in_time(*pair) for pair in zip(parts, found, strict=True)])

        aside = len(parts) > _MANY or takes_long(zip((part.text for part in parts), found, strict=True))
        return await asyncio.to_thread(work) if aside else work()

    def digest(self, part: Part) -> str:
        """A keyed digest of what a part says and as whom, 128 bits in hex."""
        fields = (part.role.encode(), part.kind.encode(), part.text.encode())
        return self._key.digest("part", *fields)[:16].hex()

    def scanner(self, exchange: Exchange) -> StreamScanner:
        """What finds entities in one text of this exchange's streamed completion."""
        inspector = _WithCredential(self._detector, exchange.upstream.secret)
        # what the prompt held is a piece as well: it may pass, but is not shown
        return StreamScanner(inspector)

    def _masked(self, text: str, findings: Sequence[Finding], exchange: Exchange) -> str:
        def placeholder(finding: Finding) -> str:
            value = text[finding.start : finding.end]
            vault = exchange.vault if exchange.vault.holds(value) else exchange.response_vault
            return vault.placeholder(finding.entity, finding.category, value)

        return splice_json(text, findings, placeholder, placeholder)


def placeholders(text: str, findings: Sequence[Finding], vault: Vault) -> str:
    """The text with every finding replaced by its placeholder."""
    depths = JsonDepths(text)

    def placeholder(finding: Finding) -> str:
        value = text[finding.start : finding.end]
        depth = depths.at(finding.start) if "\\" in value else 0
        return vault.placeholder(finding.entity, finding.category, value, depth=depth)

    return splice_json(text, findings, placeholder, placeholder)


def credential_findings(exchange: Exchange, part: Part) -> tuple[Finding, ...]:
    """Where the provider's answer repeats the credential that the gateway called it with."""
    return tuple(
        Finding(span.entity, span.category, span.score, part.pointer, span.start, span.end)
        for span in _occurrences(part.text, exchange.upstream.secret)
    )


def mask_for(masks: Mapping[str, Mask | None], entity: str) -> Mask | None:
    """The mask for an entity. The gateway's own credential is redacted whatever policy says."""
    return _CREDENTIAL_MASK if entity == CREDENTIAL_ENTITY else masks.get(entity)


def takes_long(texts: Iterable[tuple[str, Sequence[Finding]]]) -> bool:
    """Whether the event loop should not stand still while what was found in these texts is masked."""
    findings = characters = 0
    for text, found in texts:
        if found:
            findings, characters = findings + len(found), characters + len(text)
    return findings > _MANY_FINDINGS or characters > _MUCH_TEXT


async def masked_aside(
    document: Any, parts: Sequence[InspectedPart], masks: Mapping[str, Mask | None], vault: Vault
) -> Any:
    """`masked_document`, off the event loop when there is much to mask."""
    if takes_long((one.part.text, one.findings) for one in parts):
        return await asyncio.to_thread(masked_document, document, parts, masks, vault)
    return masked_document(document, parts, masks, vault)


def masked_document(
    document: Any, parts: Sequence[InspectedPart], masks: Mapping[str, Mask | None], vault: Vault
) -> Any:
    """Put the masked text of every part that a mask covers into the document, in place.

    Raises PolicyDenied when a mask covers what cannot be masked.
    """
    check_maskable(parts, masks)
    for inspected in parts:
        text = masked_text(inspected, masks, vault)
        if text is not None:
            document = put(document, inspected.part.pointer, text)
    return document


def masked_text(inspected: InspectedPart, masks: Mapping[str, Mask | None], vault: Vault) -> str | None:
    """The part's text with the decision's masks carried out; None when none covers it."""
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


def syntax_of(parts: Sequence[InspectedPart]) -> tuple[Syntax, ...]:
    """What was found in keys and in values that are syntax, part by part."""
    return tuple(
        Syntax(inspected.part.place, tuple(sorted({finding.entity for finding in inspected.findings})))
        for inspected in parts
        if inspected.findings and inspected.part.place not in MASKABLE
    )


def check_maskable(parts: Sequence[InspectedPart], masks: Mapping[str, Mask | None]) -> None:
    """Raises PolicyDenied when a mask covers a key, or a value that is syntax: it can only be refused."""
    for one in syntax_of(parts):
        if any(mask_for(masks, entity) for entity in one.entities):
            raise PolicyDenied(f"denied by the gateway: {why_unmaskable(one)}", reasons=[])


def masked_texts(parts: Sequence[InspectedPart]) -> dict[str, str]:
    """Raw text to masked text, for the parts that hold a value."""
    return {inspected.part.text: inspected.masked for inspected in parts if holds_value(inspected)}


def holds_value(inspected: InspectedPart) -> bool:
    """Whether the part differs from what may be shown of it: by a finding, or by a value of the prompt's own
    that a completion repeats, which is no finding again."""
    return inspected.masked != inspected.part.text


async def _reserve(vault: Vault, texts: Sequence[str]) -> None:
    """Read the prompt for text that looks like a placeholder; a large one off the event loop."""
    if sum(map(len, texts)) > _MUCH_TEXT:
        await asyncio.to_thread(vault.reserve, texts)
    else:
        vault.reserve(texts)


def _with_masked_pointers(parts: Sequence[InspectedPart]) -> tuple[InspectedPart, ...]:
    """A key with a finding is in the pointer of everything below it, and must not be read there either."""
    keys = {
        one.part.pointer: escape(one.masked) for one in parts if one.part.place == "key" and holds_value(one)
    }
    if not keys:
        return tuple(parts)

    def shown(pointer: str) -> str:
        tokens = pointer.split("/")
        raw = itertools.accumulate(tokens, lambda above, token: f"{above}/{token}")
        return "/".join(keys.get(at, token) for at, token in zip(raw, tokens, strict=True))

    return tuple(replace(one, masked_pointer=shown(one.part.pointer)) for one in parts)


class _WithCredential:
    """An inspector that also knows the credential which the provider was called with."""

    def __init__(self, detector: detect.Detector, secret: str | None) -> None:
        self._detector = detector
        self._secret = secret

    def inspect(self, text: str, *, since: int, until: int | None = None) -> tuple[Match, ...]:
        spans = self._detector.inspect(text, since=since, until=until)
        secrets = [span for span in _occurrences(text, self._secret) if span.end > since]
        if not secrets:
            return spans
        others = [s for s in spans if not any(s.start < own.end and own.start < s.end for own in secrets)]
        return tuple(sorted([*others, *secrets], key=lambda span: span.start))

    def open_at(self, text: str) -> int:
        return self._detector.open_at(text)


def _occurrences(text: str, secret: str | None) -> tuple[Match, ...]:
    if not secret or secret not in text:
        return ()
    spans, start = [], text.find(secret)
    while start >= 0:
        spans.append(Match(CREDENTIAL_ENTITY, "secret", 1.0, start, start + len(secret)))
        start = text.find(secret, start + len(secret))
    return tuple(spans)
