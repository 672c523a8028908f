"""A completion that arrives in one piece: inspected, decided, masked, restored, then answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.config import Limits
from gateway.contract import CREDENTIAL_ENTITY, Decision
from gateway.dialects import AnswerBody, Malformed, endpoint, is_json, media_type_of, named_alike, open_answer
from gateway.errors import UpstreamUnreadable
from gateway.exchange.counting import heard_tokens, said_characters
from gateway.exchange.decide import Subject
from gateway.exchange.exchange import Exchange
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
from gateway.exchange.steps import Answer, Restored
from gateway.masking import Restorer
from gateway.upstream import UpstreamResponse, pack
from gateway.words import Completion, InspectedPart, Part, ResponseFacts, ToolCall

# A file may be a page, and a browser would run it beside the console.
_NO_PAGE = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
_LARGE = 64 * 1024  # bytes: an answer over this is parsed off the event loop


class WholeCompletion:
    """Answers one exchange whose completion is a document, text, a file or media."""

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
        opened = await run(len(raw) > _LARGE, self._read, exchange, response, raw)
        completion = opened.completion
        exchange.completion = completion  # its tokens count whatever is decided about it
        if completion.usage.output_tokens < 0:
            exchange.heard = heard_tokens(said_characters(completion.parts))
        await self._inspector.stored.count(exchange, opened.document)
        if len(completion.parts) > self._limits.parts:
            raise UpstreamUnreadable(f"the provider's answer has over {self._limits.parts} strings")
        parts = await self._inspector.completion(exchange, completion.parts, completion.tools)
        off_loop = restores_much(exchange, parts) or takes_long(
            (one.part.text, one.findings) for one in parts
        )
        calls = await run(off_loop, _calls, exchange.restorer, completion, parts)
        facts = ResponseFacts(response.status, completion.finish_reason)
        subject = Subject("response", parts, calls, facts, completion.tools, completion.unknown)
        decision = await self._decide(exchange, subject, pack(response, raw))
        await self._inspector.pin(exchange, completion.tools)
        await self._inspector.tasks.take(exchange, opened.document)
        body = await run(off_loop, _rewrite, exchange, opened.document, subject, decision)
        exchange.remember_signed(parts)
        self._ledger.record_completion(exchange, response.status, completion, parts)
        headers = {**await self._inspector.headers(exchange, response.headers), **exchange.headers()}
        if opened.media_type:
            headers["content-type"] = named_alike(_content_type(response), opened.media_type)
        if not is_json(opened.media_type):
            headers |= _NO_PAGE
        return Answer(response.status, headers, opened.encode(body))

    def _read(self, exchange: Exchange, response: UpstreamResponse, raw: bytes) -> AnswerBody:
        media_type = media_type_of(_content_type(response))
        asked = f"{exchange.call.method} {endpoint(exchange.envelope.up_path)}"
        try:
            return open_answer(
                exchange.dialect, asked, response.status, raw, media_type, depth=self._limits.depth
            )
        except Malformed as error:
            said = f"the provider answered {response.status} with a body that no parser knows"
            reason = f"the provider's answer cannot be read: {error}" if is_json(media_type) else said
            raise UpstreamUnreadable(reason) from error

    async def _decide(self, exchange: Exchange, subject: Subject, completion: bytes) -> Decision | None:
        """Ask policy when there is something to ask."""
        found = any(f.entity != CREDENTIAL_ENTITY for part in subject.parts for f in part.findings)
        asked = subject.calls or subject.tools or subject.unknown or exchange.asks_always
        if not (found or asked):
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
    calls = {pointer: call for call, _ in subject.calls for pointer in call.pointers}
    texts: dict[str, str] = {}  # what a client may join
    of_texts: dict[str, Part] = {}
    for inspected in subject.parts:
        part = inspected.part
        if part.place not in ("value", "key") or not (is_text(exchange, part) or part.pointer in calls):
            continue
        text = masked_text(inspected, masks, exchange.response_vault) or part.text
        if part.place == "key":
            call = calls.get(part.pointer)
            if call and (restored := restorer.key(text, call, part.pointer)) != text:
                rewriting.restore_key(part, restored)
        elif part.kind != "field" and part.pointer not in calls:
            texts[part.pointer], of_texts[part.pointer] = text, part
        elif (value := restorer.argument(text, calls.get(part.pointer), part.pointer)) != text:
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


def _content_type(response: UpstreamResponse) -> str:
    return response.headers.get("content-type", "")
