"""A completion that arrives in one piece: inspected, decided, masked, restored, then answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, TypeVarTuple

from gateway.config import Limits
from gateway.contract import CREDENTIAL_ENTITY, Decision
from gateway.dialects import Malformed, parse, put, read_completion, serialize
from gateway.errors import UpstreamUnreadable
from gateway.exchange.decide import Asking, Restored, Subject, masks_of
from gateway.exchange.exchange import Answer, Exchange
from gateway.exchange.inspect import Inspector, masked_document, masked_text, takes_long
from gateway.exchange.record import Ledger
from gateway.upstream import UpstreamResponse, pack
from gateway.words import Completion, InspectedPart, Part, ResponseFacts, ToolCall

_MUCH_TO_RESTORE = 4096  # characters: packed with placeholders a kB takes over a millisecond
_Arguments = TypeVarTuple("_Arguments")
_R = TypeVar("_R")


class WholeCompletion:
    """Answers one exchange whose completion is a JSON document."""

    def __init__(self, asking: Asking, inspector: Inspector, ledger: Ledger, limits: Limits) -> None:
        self._asking = asking
        self._inspector = inspector
        self._ledger = ledger
        self._limits = limits

    async def answer(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        """Raises UpstreamUnreadable for a body that is no JSON or too large, and every policy outcome."""
        raw = await collect(response, self._limits.response_bytes)
        document, completion = self._read(exchange, response, raw)
        exchange.completion = completion  # its tokens count whatever is decided about it
        if len(completion.parts) > self._limits.parts:
            raise UpstreamUnreadable(f"the provider's answer has over {self._limits.parts} strings")
        parts = await self._inspector.completion(exchange, completion.parts)
        aside = restores_much(exchange, parts) or takes_long((one.part.text, one.findings) for one in parts)
        calls = await _beside(aside, self._calls, exchange, completion, parts)
        facts = ResponseFacts(response.status, completion.finish_reason)
        subject = Subject("response", parts, calls, facts)
        decision = await self._decide(exchange, subject, pack(response, raw))
        document = await _beside(aside, self._rewrite, exchange, document, subject, decision)
        self._ledger.completed(exchange, response.status, completion, parts)
        headers = {
            **await self._inspector.headers(exchange, response.headers),
            "content-type": "application/json",
            **exchange.headers(),
        }
        return Answer(response.status, headers, serialize(document))

    def _read(self, exchange: Exchange, response: UpstreamResponse, raw: bytes) -> tuple[Any, Completion]:
        try:
            document = parse(raw, depth=self._limits.depth)
            completion = read_completion(exchange.dialect, document)
            if response.status < 400:
                return document, completion
            if completion.tool_calls:
                raise UpstreamUnreadable("the provider answered with an error that holds tool calls")
            return document, read_completion("json", document)
        except Malformed as error:
            raise UpstreamUnreadable(f"the provider's answer cannot be read: {error}") from error

    def _calls(
        self, exchange: Exchange, completion: Completion, parts: Sequence[InspectedPart]
    ) -> list[tuple[ToolCall, Restored]]:
        return [(call, self._restored(exchange, call, parts)) for call in completion.tool_calls]

    def _restored(self, exchange: Exchange, call: ToolCall, parts: Sequence[InspectedPart]) -> Restored:
        texts = [part.part.text for part in parts if part.part.pointer in call.pointers]
        return tuple(dict.fromkeys(pair for text in texts for pair in exchange.restorer.restores(text)))

    async def _decide(self, exchange: Exchange, subject: Subject, completion: bytes) -> Decision | None:
        """Ask policy when there is something to ask."""
        found = any(f.entity != CREDENTIAL_ENTITY for part in subject.parts for f in part.findings)
        if not (found or subject.calls or always_asks(exchange)):
            return None
        return await self._asking.judge(exchange, subject, completion)

    def _rewrite(self, exchange: Exchange, document: Any, subject: Subject, decision: Decision | None) -> Any:
        """Mask what the model brought, then give back what the prompt lent, in text and in calls."""
        masks = masks_of(exchange, decision)
        document = masked_document(document, subject.parts, masks, exchange.response_vault)
        escaped = {pointer: call.raw_json for call, _ in subject.calls for pointer in call.pointers}
        texts: dict[str, str] = {}  # what a client may join
        for inspected in subject.parts:
            part = inspected.part
            if part.place != "value" or not (is_text(exchange, part) or part.pointer in escaped):
                continue
            text = masked_text(inspected, masks, exchange.response_vault) or part.text
            if part.kind == "text" and part.pointer not in escaped:
                texts[part.pointer] = text
                continue
            restored = exchange.restorer.whole(text, json_escape=escaped.get(part.pointer, False))
            if restored != text:
                document = put(document, part.pointer, restored)
        for pointer, restored in exchange.restorer.row(texts).items():
            if restored != texts[pointer]:
                document = put(document, pointer, restored)
        return document


def is_text(exchange: Exchange, part: Part) -> bool:
    """Whether values come back here. Fields of a known dialect may be URLs that a client opens on its own."""
    return part.kind == "text" or (exchange.dialect == "json" and part.kind == "field")


def restores_much(exchange: Exchange, parts: Iterable[InspectedPart]) -> bool:
    """Whether to give back what the prompt lent would hold up the event loop."""
    return not exchange.restorer.is_idle and sum(len(one.part.text) for one in parts) > _MUCH_TO_RESTORE


def always_asks(exchange: Exchange) -> bool:
    """Whether the request's decision wants every completion asked about."""
    return exchange.decision is not None and exchange.decision.response == "always"


async def _beside(aside: bool, work: Callable[[*_Arguments], _R], *given: *_Arguments) -> _R:
    return await asyncio.to_thread(work, *given) if aside else work(*given)


async def collect(response: UpstreamResponse, limit: int) -> bytes:
    """The whole body. Raises UpstreamUnreadable over `limit` bytes."""
    body = bytearray()
    async for chunk in response.chunks():
        body += chunk
        if len(body) > limit:
            raise UpstreamUnreadable(f"the provider's answer is over {limit} bytes")
    return bytes(body)


async def is_empty(response: UpstreamResponse) -> bool:
    """Whether no body comes; what comes is read no further."""
    async for chunk in response.chunks():
        if chunk:
            return False
    return True
