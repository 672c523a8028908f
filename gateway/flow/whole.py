"""A completion that arrives in one piece: inspected, decided, masked, restored, then answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.config import Limits
from gateway.decision import Decision
from gateway.dialects import Malformed, read_completion
from gateway.dialects.document import parse, put, serialise
from gateway.errors import UpstreamUnreadable
from gateway.exchange import Completion, InspectedPart, Part, ResponseFacts, ToolCall
from gateway.flow.asking import Asking, Restored, Subject, masks_of
from gateway.flow.context import Answer, Exchange
from gateway.flow.inspecting import Inspector, masked_document, masked_text
from gateway.flow.ledger import Ledger
from gateway.guards import CREDENTIAL_ENTITY
from gateway.upstream import UpstreamResponse, pack


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
        if len(completion.parts) > self._limits.parts:
            raise UpstreamUnreadable(f"the provider's answer has over {self._limits.parts} strings")
        parts = await self._inspector.completion(exchange, completion.parts)
        subject = Subject(
            "response",
            parts,
            [(call, self._restored(exchange, call, parts)) for call in completion.tool_calls],
            ResponseFacts(response.status, completion.finish_reason),
        )
        decision = await self._decide(exchange, subject, pack(response, raw))
        document = self._rewrite(exchange, document, subject, decision)
        self._ledger.completed(exchange, response.status, completion, parts)
        headers = {
            **await self._inspector.headers(exchange, response.headers),
            "content-type": "application/json",
            **exchange.headers(),
        }
        return Answer(response.status, headers, serialise(document))

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
        for inspected in subject.parts:
            part = inspected.part
            if part.place != "value" or not (is_text(exchange, part) or part.pointer in escaped):
                continue
            text = masked_text(inspected, masks, exchange.response_vault) or part.text
            restored = exchange.restorer.whole(text, json_escape=escaped.get(part.pointer, False))
            if restored != text:
                document = put(document, part.pointer, restored)
        return document


def is_text(exchange: Exchange, part: Part) -> bool:
    """Whether values come back here. Fields of a known dialect may be URLs that a client opens on its own."""
    return part.kind == "text" or (exchange.dialect == "json" and part.kind == "field")


def always_asks(exchange: Exchange) -> bool:
    """Whether the request's decision wants every completion asked about."""
    return exchange.decision is not None and exchange.decision.response == "always"


async def collect(response: UpstreamResponse, limit: int) -> bytes:
    """The whole body. Raises UpstreamUnreadable over `limit` bytes."""
    body = bytearray()
    async for chunk in response.chunks():
        body += chunk
        if len(body) > limit:
            raise UpstreamUnreadable(f"the provider's answer is over {limit} bytes")
    return bytes(body)
