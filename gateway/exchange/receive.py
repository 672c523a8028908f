"""Where a request goes, what its body says, and which session it belongs to.

What is found out is set on the exchange at once: a request that is refused half way is recorded with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from gateway import __version__, detect
from gateway.config import Limits, ServerKey
from gateway.dialects import (
    Malformed,
    decoded,
    decompress,
    dialect_of,
    endpoint,
    families,
    is_json,
    is_stored,
    normalize,
    open_body,
    rpc_of,
)
from gateway.errors import InvalidRequest, OriginRefused, PromptTooLarge, WebSocketUnsupported
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.issued import opened
from gateway.exchange.steps import UNLABELED, Call, Envelope, Received
from gateway.masking import Vault
from gateway.sessions import Sessions
from gateway.upstream import Upstreams, is_credential, syntax_headers, up_headers
from gateway.words import Part

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_LOCAL_PAGE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_NODE_BYTES, _ITEM_BYTES = 64, 32  # of an object or an array, and of each thing in it
TAGS = "x-regate-tags"
_TAG = re.compile(r"([a-z0-9][a-z0-9_.-]{0,63})=([!-+\--~](?:[ -+\--~]{0,126}[!-+\--~])?)")
_MOST_TAGS = 16
_LARGE = 64 * 1024  # bytes: a body over this is parsed off the event loop, for it may be nothing but parts


class Receiver:
    """Reads requests within bounds: live traffic and those on trial (`regate policy try`) alike."""

    def __init__(
        self,
        upstreams: Upstreams,
        limits: Limits,
        inspector: Inspector,
        sessions: Sessions,
        key: ServerKey,
        origins: Sequence[str] = (),
    ) -> None:
        self._upstreams = upstreams
        self._limits = limits
        self._inspector = inspector
        self._sessions = sessions
        self._key = key
        self._origins = origins

    async def receive(self, exchange: Exchange) -> None:
        """Read the request of an agent that is known. Findings outside the body are masked here already.

        Raises InvalidRequest, OriginRefused, PromptTooLarge, UpstreamUnavailable, WebSocketUnsupported,
        InspectionFailed.
        """
        key = self._key.derive("placeholders", exchange.agent.id)
        exchange.vault = Vault(key)
        exchange.response_vault = Vault(key, beside=exchange.vault)
        received = exchange.received = Received(upstream=self._upstreams.find(exchange.call.provider))
        if families()[exchange.family].refuses_pages:
            _check_origin(exchange.call.headers.get("origin"), self._origins)
        if exchange.call.headers.get("upgrade", "").lower() == "websocket":
            raise WebSocketUnsupported("WebSockets are not supported: send the same request over HTTP")
        envelope, texts = open_envelope(exchange.call)
        exchange.received = replace(received, envelope=await self._masked(exchange, envelope, texts))
        await self.read(exchange)
        await self._inspector.tasks.check(exchange)
        said = [part.text for part in exchange.prompt.parts if part.role == "user" and part.kind == "text"]
        issued = next(iter(opened(self._key, exchange).values()), None)
        name = exchange.call.headers.get("x-regate-session", issued)
        session = self._sessions.enter(exchange.agent.id, name, said[0] if said else "")
        exchange.received = replace(exchange.received, session=session)
        parts = exchange.prompt.parts
        exchange.log(
            "received", lambda: {"parts": len(parts), "characters": sum(len(part.text) for part in parts)}
        )

    async def _masked(self, exchange: Exchange, envelope: Envelope, texts: Sequence[Part]) -> Envelope:
        source = exchange.call.source
        agent = Part("", "field", "user-agent", source.user_agent)
        beside = Part("", "field", "headers", _lines(envelope.headers))
        tags = Part("", "field", "tags", "\n".join(f"{name}={said}" for name, said in envelope.tags.items()))
        inspected = await self._inspector.inspect_envelope(exchange, [*texts, agent, beside, tags])
        path, *others, user_agent, headers, tagged = inspected
        theirs = user_agent.masked if user_agent.masked.isprintable() else ""
        ours = {"user-agent": f"{theirs} regate/{__version__}".lstrip()}
        return replace(
            envelope,
            headers=_from_lines(headers.masked, envelope.headers) | syntax_headers(envelope.headers) | ours,
            path=path.masked if path.findings else envelope.up_path,
            source=replace(source, user_agent=user_agent.masked),
            tags=dict(line.split("=", 1) for line in tagged.masked.split("\n") if "=" in line),
            parts=tuple(part for part in (path, *others) if part.findings),
        )

    async def read(self, exchange: Exchange) -> None:
        """Read the body and parse it into parts. Raises InvalidRequest, PromptTooLarge, InspectionFailed."""
        call = exchange.call
        encodings = call.headers.get("content-encoding", "")
        body = decompress(await call.body(), encodings, self._limits.body_bytes)
        call.hold(len(body) if encodings else 0)
        media_type = _content_type(exchange)
        path = endpoint(exchange.envelope.up_path)
        dialect = _dialect_of(exchange, bool(body))
        headers = outgoing_headers(exchange.envelope, media_type) if body else dict(exchange.envelope.headers)
        issued = opened(self._key, exchange)
        headers |= issued
        received = exchange.received = replace(exchange.received, dialect=dialect, headers=headers)
        if not body:
            if rpc_of(dialect) and call.method == "DELETE" and not issued:
                raise InvalidRequest("expected the header of the session that is to end")  # of nothing else
            exchange.is_counted = not is_stored(dialect, call.method, path)
            return
        call.hold(_weight(body))
        if len(body) > _LARGE:
            async with detect.in_time(self._limits.inspect_seconds):
                exchange.received = await asyncio.to_thread(self._parse, received, body, media_type, path)
        else:
            exchange.received = self._parse(received, body, media_type, path)
        _check_headers(exchange)

    def _parse(self, received: Received, raw: bytes, media_type: str, path: str) -> Received:
        try:
            body = open_body(received.dialect, raw, media_type, path, depth=self._limits.depth)
        except Malformed as error:
            raise InvalidRequest(f"the body cannot be read: {error}") from error
        if received.dialect not in UNLABELED and not isinstance(body.document, dict):
            raise InvalidRequest("the body cannot be read: expected a JSON object")
        if len(body.prompt.parts) > self._limits.parts:
            raise PromptTooLarge(f"the body has over {self._limits.parts} strings, keys and long numbers")
        return replace(
            received,
            dialect=body.dialect or received.dialect,
            body=body.document,
            encode=body.encode,
            unmasked=body.bound,
            prompt=body.prompt,
        )


def _check_origin(origin: str | None, allowed: Sequence[str]) -> None:
    """Raise OriginRefused where a page asks that is neither configured nor served by this machine itself."""
    if origin is None or origin in allowed or "*" in allowed or _LOCAL_PAGE.fullmatch(origin):
        return
    raise OriginRefused("header origin: expected a page that cors_origins names")


def _dialect_of(exchange: Exchange, has_body: bool) -> str:
    """Return the request's dialect. Raises InvalidRequest where a server that decodes more has another."""
    call, path, content_type = exchange.call, exchange.envelope.up_path, _content_type(exchange)
    read = {
        dialect_of(exchange.family, call.method, one, content_type, has_body)
        for one in (path, endpoint(path))
    }
    if len(read) > 1:
        raise InvalidRequest("path: an encoded slash makes another endpoint of it")
    return read.pop()


def _content_type(exchange: Exchange) -> str:
    """Return what the body is: as the request says, else as its provider takes it."""
    return exchange.call.headers.get("content-type", "") or families()[exchange.family].body_type


def _check_headers(exchange: Exchange) -> None:
    """Refuse a call whose headers say something else than its body. Raises InvalidRequest."""
    rpc = rpc_of(exchange.dialect)
    try:
        if rpc:
            rpc.check(exchange.received.body, exchange.call.headers)
    except Malformed as error:
        raise InvalidRequest(f"the headers do not agree with the body: {error}", rpc_code=-32020) from error


def open_envelope(call: Call) -> tuple[Envelope, list[Part]]:
    """Return what goes up beside the body, and its texts to be inspected, the path first.

    Raises InvalidRequest.
    """
    up_path = normalize(call.raw_path)
    query, up_query = _query(call.raw_query)
    headers = up_headers(call.headers)
    texts = {"path": decoded(up_path), "query": query, **syntax_headers(headers)}
    parts = [Part("", "field", name, text, "structural") for name, text in texts.items()]
    return Envelope(up_path, up_query, headers, tags=read_tags(call.headers.get(TAGS, ""))), parts


def read_tags(said: str) -> dict[str, str]:
    """Return the tags of a header like `team=payments, env=prod`. Raises InvalidRequest."""
    pairs = [_TAG.fullmatch(each.strip()) for each in said.split(",")] if said else []
    tags = {pair[1]: pair[2] for pair in pairs if pair}
    if len(tags) != len(pairs) or len(tags) > _MOST_TAGS:
        raise InvalidRequest(
            f"header {TAGS}: expected at most {_MOST_TAGS} names, each with a value of up to 128 characters "
            "of ASCII, as in team=payments, env=prod"
        )
    return tags


def _query(raw: bytes) -> tuple[str, str]:
    """Return the query without credentials: as text, for inspection, and as it goes up."""
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise InvalidRequest("the query cannot be read: expected percent-encoded UTF-8") from error
    if _ENCODED.search(text):
        raise InvalidRequest("the query is percent-encoded twice")
    pairs = [(name, value) for name, value in pairs if not is_credential(name)]
    return "&".join(f"{name}={value}" for name, value in pairs), urlencode(pairs)


def _lines(headers: Mapping[str, str]) -> str:
    """Return the headers that are no syntax as one text, a line each: inspected one by one they cost more."""
    apart = {"user-agent", *syntax_headers(headers)}
    return "\n".join(f"{name}: {value}" for name, value in headers.items() if name not in apart)


def _from_lines(masked: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of masked lines; where a mask took a line's name, it stays behind."""
    found = dict(line.partition(": ")[::2] for line in masked.split("\n"))
    return {name: value for name, value in found.items() if name in headers and value.isprintable()}


def outgoing_headers(envelope: Envelope, media_type: str) -> dict[str, str]:
    """Return the headers that go up with a body; the provider's credential is not among them."""
    kept = media_type or "application/octet-stream"
    return {**envelope.headers, "content-type": "application/json" if is_json(media_type) else kept}


def _weight(body: bytes) -> int:
    """Return about how many bytes a body takes once it is parsed, beside its own."""
    return _NODE_BYTES * (body.count(b"{") + body.count(b"[")) + _ITEM_BYTES * body.count(b",")
