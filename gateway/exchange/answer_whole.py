"""A completion that arrives in one piece: inspected, decided, masked, restored, then answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.config import Limits
from gateway.contract import CREDENTIAL_ENTITY, Decision
from gateway.dialects import (
    Malformed,
    answers_media,
    parse,
    read_completion,
    read_error,
    read_media,
    serialize,
)
from gateway.errors import UpstreamUnreadable
from gateway.exchange.decide import Subject
from gateway.exchange.exchange import Answer, Exchange, Restored
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import Inspector
from gateway.exchange.mask import (
    Rewriting,
    is_text,
    masked_text,
    masks_of,
    restored_by,
    restores_much,
    run,
    takes_long,
)
from gateway.exchange.record import Ledger
from gateway.masking import Restorer
from gateway.upstream import UpstreamResponse, pack
from gateway.words import Completion, InspectedPart, Part, ResponseFacts, ToolCall


class WholeCompletion:
    """Answers one exchange whose completion is a JSON document, or media."""

    def __init__(self, holder: Holder, inspector: Inspector, ledger: Ledger, limits: Limits) -> None:
        self._holder = holder
        self._inspector = inspector
        self._ledger = ledger
        self._limits = limits

    async def answer(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        """Return what goes down for the provider's response.

        Raises UpstreamUnreadable for a body that is not JSON or too large, and every policy outcome.
        """
        raw = await _collect(response, self._limits.response_bytes)
        body, completion = self._read(exchange, response, raw)
        exchange.completion = completion  # its tokens count whatever is decided about it
        if len(completion.parts) > self._limits.parts:
            raise UpstreamUnreadable(f"the provider's answer has over {self._limits.parts} strings")
        parts = await self._inspector.completion(exchange, completion.parts)
        off_loop = restores_much(exchange, parts) or takes_long(
            (one.part.text, one.findings) for one in parts
        )
        calls = await run(off_loop, _calls, exchange.restorer, completion, parts)
        subject = Subject("response", parts, calls, ResponseFacts(response.status, completion.finish_reason))
        decision = await self._decide(exchange, subject, pack(response, raw))
        body = await run(off_loop, _rewrite, exchange, body, subject, decision)
        exchange.remember_signed(parts)
        self._ledger.record_completion(exchange, response.status, completion, parts)
        headers = {
            **await self._inspector.headers(exchange, response.headers),
            "content-type": _media_type(response) if isinstance(body, bytes) else "application/json",
            **exchange.headers(),
        }
        return Answer(response.status, headers, body if isinstance(body, bytes) else serialize(body))

    def _read(self, exchange: Exchange, response: UpstreamResponse, raw: bytes) -> tuple[Any, Completion]:
        if answers_media(exchange.dialect, media_type := _media_type(response)):
            return raw, read_media(raw, media_type)
        try:
            body = parse(raw, depth=self._limits.depth)
            completion = read_completion(exchange.dialect, body)
            if response.status < 400:
                return body, completion
            if completion.tool_calls:
                raise UpstreamUnreadable("the provider answered with an error that holds tool calls")
            return body, read_error(body)
        except Malformed as error:
            raise UpstreamUnreadable(f"the provider's answer cannot be read: {error}") from error

    async def _decide(self, exchange: Exchange, subject: Subject, completion: bytes) -> Decision | None:
        """Ask policy when there is something to ask."""
        found = any(f.entity != CREDENTIAL_ENTITY for part in subject.parts for f in part.findings)
        if not (found or subject.calls or exchange.asks_always):
            return None
        return await self._holder.judge_completion(exchange, subject, completion)


def _calls(
    restorer: Restorer, completion: Completion, parts: Sequence[InspectedPart]
) -> list[tuple[ToolCall, Restored]]:
    return [(call, restored_by(call, parts, restorer)) for call in completion.tool_calls]


def _rewrite(exchange: Exchange, body: Any, subject: Subject, decision: Decision | None) -> Any:
    """Mask new values from the model, then restore the prompt's own values in text and tool calls."""
    masks, restorer = masks_of(decision, enforced=exchange.enforced), exchange.restorer
    rewriting = Rewriting(body)
    rewriting.mask(subject.parts, masks, exchange.response_vault)
    escaped = {pointer: call.raw_json for call, _ in subject.calls for pointer in call.pointers}
    texts: dict[str, str] = {}  # what a client may join
    of_texts: dict[str, Part] = {}
    for inspected in subject.parts:
        part = inspected.part
        if part.place not in ("value", "key") or not (is_text(exchange, part) or part.pointer in escaped):
            continue
        text = masked_text(inspected, masks, exchange.response_vault) or part.text
        if part.place == "key":
            if part.pointer in escaped and (restored := restorer.whole(text)) != text:
                rewriting.restore_key(part, restored)
        elif part.kind == "text" and part.pointer not in escaped:
            texts[part.pointer], of_texts[part.pointer] = text, part
        elif escaped.get(part.pointer, False):
            if (restored := restorer.json(text)) != text:
                rewriting.put(part, restored)
        elif (value := restorer.value(text)) != text:
            rewriting.put(part, value)
    for pointer, restored in restorer.row(texts).items():
        if restored != texts[pointer]:
            rewriting.put(of_texts[pointer], restored)
    return rewriting.end()


async def _collect(response: UpstreamResponse, limit: int) -> bytes:
    """Return the whole body. Raises UpstreamUnreadable over `limit` bytes."""
    body = bytearray()
    async for chunk in response.chunks():
        body += chunk
        if len(body) > limit:
            raise UpstreamUnreadable(f"the provider's answer is over {limit} bytes")
    return bytes(body)


def _media_type(response: UpstreamResponse) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


async def is_empty(response: UpstreamResponse) -> bool:
    """Return whether no body comes; only the first byte of one is read."""
    async for chunk in response.chunks():
        if chunk:
            return False
    return True
