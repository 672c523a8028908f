"""The data path as an ASGI application: HTTP in, one governed exchange, HTTP out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from starlette.types import Message, Receive, Scope, Send

from gateway.config import Limits
from gateway.errors import InvalidRequest, PromptTooLarge, ShuttingDown
from gateway.exchange import Answer, Call, Exchange, Gateway, refusal_answer
from gateway.http.compression import compressed
from gateway.http.freight import Freight, Load
from gateway.observe import Metrics, Telemetry
from gateway.words import Source

_log = logging.getLogger("regate.proxy")
_BODY_SECONDS = 60
_CANCEL_SECONDS = 5
_PIECE_BYTES = 256 * 1024  # of an answer: no more of it waits in a socket's buffer for a slow reader
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class Proxy:
    """Serves `/{provider}/…`. A client that leaves cancels its exchange and the provider's call with it."""

    def __init__(
        self,
        gateway: Gateway,
        metrics: Metrics,
        telemetry: Telemetry | None = None,
        *,
        limit: int,
        held_bytes: int = Limits().held_bytes,
        enforced: bool,
    ) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._telemetry = telemetry
        self._limit = limit
        self._freight = Freight(held_bytes)
        self._enforced = enforced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        gateway = self._gateway
        load = Load(self._freight)
        client = _Client(scope, receive, self._limit, load)
        exchange = Exchange(client.call(), self._enforced)
        self._metrics.opened()
        try:
            await client.while_present(_answer(gateway, exchange, client.watch_answer(send)))
        except asyncio.CancelledError:
            gateway.abandon(exchange, "cancelled")
            if client.left:
                return
            if client.answered:
                raise
            await _send(refusal_answer(exchange, ShuttingDown("the gateway is shutting down")), "", send)
        except BaseException:
            gateway.abandon(exchange, "internal_error")
            raise
        finally:
            load.release()
            gateway.settle(exchange)
            self._count(exchange)

    def _count(self, exchange: Exchange) -> None:
        """Write one line of log, and count the exchange in the metrics; neither holds content."""
        usage = exchange.usage_spent
        tokens = max(usage.input_tokens, 0) + max(usage.output_tokens, 0)
        seconds = exchange.elapsed_ms() / 1000
        fields = {
            "exchange_id": exchange.id,
            "agent": exchange.agent.id,
            "provider": exchange.provider,
            "action": exchange.action,
            "outcome": exchange.outcome,
            "ms": round(seconds * 1000, 1),
        }
        _log.info("exchange", extra=fields)
        self._metrics.closed(exchange.provider, exchange.action, exchange.outcome, seconds, tokens)
        for rule in exchange.warned_by:
            self._metrics.warned(rule)
        if self._telemetry:
            self._telemetry.ended(exchange)


def _certificate(scope: Scope) -> str:
    """Return the certificate that the client has shown, as ASGI's extension for TLS has it; "" for none."""
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or [""]
    return str(chain[0])


class _Client:
    """The caller's side of one request: its body, and whether it is still there."""

    def __init__(self, scope: Scope, receive: Receive, limit: int, load: Load) -> None:
        self.left = False
        self.answered = False
        self._scope = scope
        self._receive = receive
        self._limit = limit
        self._load = load
        self._sent_all = asyncio.Event()

    def call(self) -> Call:
        """Return the request line and headers; a repeated header is joined by commas (RFC 9110, 5.3)."""
        headers: dict[str, str] = {}
        names: list[str] = []
        for raw_name, raw_value in self._scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            names.append(name)
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        _, _, rest = self._scope["raw_path"].partition(b"/")
        provider, slash, path = rest.partition(b"/")
        address = self._scope.get("client") or ("", 0)
        return Call(
            provider=provider.decode("latin-1"),
            method=self._scope["method"],
            raw_path=slash + path,
            raw_query=self._scope["query_string"],
            headers=headers,
            source=Source(address[0], headers.get("user-agent", "")),
            body=self.body,
            names=tuple(names),
            certificate=_certificate(self._scope),
            hold=self._load.add,
        )

    async def body(self) -> bytes:
        """Return the whole body. Raises PromptTooLarge over the limit, unread where its length is said."""
        if self._scope["method"] not in METHODS:
            raise InvalidRequest("the method is not one that providers take")
        for name, value in self._scope["headers"]:
            if name == b"content-length" and int(value) > self._limit:
                raise PromptTooLarge(f"the body is over {self._limit} bytes")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await self._read()
        except TimeoutError as error:
            raise InvalidRequest(f"the body did not arrive within {_BODY_SECONDS} seconds") from error
        self._sent_all.set()
        return body

    async def _read(self) -> bytes:
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise PromptTooLarge(f"the body is over {self._limit} bytes")
            self._load.add(len(chunk))
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    def watch_answer(self, send: Send) -> Send:
        """Return `send`, which then remembers that an answer has begun."""

        async def noted(message: Message) -> None:
            self.answered = True
            await send(message)

        return noted

    async def while_present(self, answering: Awaitable[None]) -> None:
        """Await the answer; raises CancelledError, with `left` set, once the client is gone."""
        task = asyncio.ensure_future(answering)
        watching = asyncio.create_task(self._watch(task))
        try:
            await task
        finally:
            watching.cancel()
            task.cancel()

    async def _watch(self, task: asyncio.Future[None]) -> None:
        await self._sent_all.wait()
        message: Message = {}
        while message.get("type") != "http.disconnect":
            message = await self._receive()
        self.left = True
        while not task.done():  # a library may swallow the first CancelledError
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_SECONDS)

    def _leave(self) -> None:
        self.left = True
        raise asyncio.CancelledError


async def _answer(gateway: Gateway, exchange: Exchange, send: Send) -> None:
    answer = await gateway.answer(exchange)
    answer = await compressed(answer, exchange.call.headers.get("accept-encoding", ""))
    await _send(answer, exchange.call.method, send)


async def _send(answer: Answer, method: str, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = answer.body
    if isinstance(body, bytes):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if isinstance(body, bytes):
        rest = memoryview(b"" if method == "HEAD" else body)
        while len(rest) > _PIECE_BYTES:
            piece, rest = rest[:_PIECE_BYTES], rest[_PIECE_BYTES:]
            await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        await send({"type": "http.response.body", "body": bytes(rest)})
        return
    try:
        async for frame in body:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await body.aclose()
