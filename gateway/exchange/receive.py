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
from gateway.dialects import Malformed, decompress, dialect_of, normalize, parse, read_prompt, serialize
from gateway.errors import InvalidRequest, PromptTooLarge, WebSocketUnsupported
from gateway.exchange.exchange import Call, Envelope, Exchange, Received
from gateway.exchange.inspect import Inspector
from gateway.masking import Vault
from gateway.sessions import Sessions
from gateway.upstream import Upstreams, is_credential, syntax_headers, up_headers
from gateway.words import Attachment, Part, Prompt

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_CHARSET = re.compile(r"""charset[^=;]*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_READABLE = ("utf-8", "utf8", "us-ascii", "ascii")  # what decoding as UTF-8 reads right
_NODE_BYTES, _ITEM_BYTES = 64, 32  # of an object or an array, and of each thing in it
_LARGE = 64 * 1024  # bytes: a body over this is parsed off the event loop, for it may be nothing but parts


class Receiver:
    """Reads requests within bounds: live traffic and those on trial (`regate policy try`) alike."""

    def __init__(
        self, upstreams: Upstreams, limits: Limits, inspector: Inspector, sessions: Sessions, key: ServerKey
    ) -> None:
        self._upstreams = upstreams
        self._limits = limits
        self._inspector = inspector
        self._sessions = sessions
        self._key = key

    async def receive(self, exchange: Exchange) -> None:
        """Read the request of an agent that is known. Findings outside the body are masked here already.

        Raises InvalidRequest, PromptTooLarge, UpstreamUnavailable, WebSocketUnsupported, InspectionFailed.
        """
        key = self._key.derive("placeholders", exchange.agent.id)
        exchange.vault = Vault(key)
        exchange.response_vault = Vault(key, beside=exchange.vault)
        received = exchange.received = Received(upstream=self._upstreams.find(exchange.call.provider))
        if exchange.call.headers.get("upgrade", "").lower() == "websocket":
            raise WebSocketUnsupported("WebSockets are not supported: send the same request over HTTP")
        envelope, texts = open_envelope(exchange.call)
        exchange.received = replace(received, envelope=await self._masked(exchange, envelope, texts))
        await self.read(exchange)
        said = [part.text for part in exchange.prompt.parts if part.role == "user" and part.kind == "text"]
        name = exchange.call.headers.get("x-regate-session")
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
        inspected = await self._inspector.inspect_envelope(exchange, [*texts, agent, beside])
        path, *others, user_agent, headers = inspected
        theirs = user_agent.masked if user_agent.masked.isprintable() else ""
        ours = {"user-agent": f"{theirs} regate/{__version__}".lstrip()}
        return replace(
            envelope,
            headers=_from_lines(headers.masked, envelope.headers) | syntax_headers(envelope.headers) | ours,
            path=path.masked,
            source=replace(source, user_agent=user_agent.masked),
            parts=tuple(part for part in (path, *others) if part.findings),
        )

    async def read(self, exchange: Exchange) -> None:
        """Read the body and parse it into parts. Raises InvalidRequest, PromptTooLarge, InspectionFailed."""
        call = exchange.call
        encodings = call.headers.get("content-encoding", "")
        body = decompress(await call.body(), encodings, self._limits.body_bytes)
        call.hold(len(body) if encodings else 0)
        media_type = call.headers.get("content-type", "")
        up_path = exchange.envelope.up_path
        dialect = dialect_of(exchange.family, call.method, up_path, media_type, bool(body))
        headers = outgoing_headers(exchange.envelope, media_type, dialect if body else "none")
        received = exchange.received = replace(exchange.received, dialect=dialect, headers=headers)
        if not body:
            return
        if dialect == "opaque":
            prompt = _opaque(body, media_type)
            exchange.received = replace(received, body=body, unmasked=body, prompt=prompt)
            return
        call.hold(_weight(body))
        if len(body) > _LARGE:
            async with detect.in_time(self._limits.inspect_seconds):
                exchange.received = await asyncio.to_thread(self._parse, received, body, up_path)
        else:
            exchange.received = self._parse(received, body, up_path)

    def _parse(self, received: Received, raw: bytes, path: str) -> Received:
        try:
            body = parse(raw, depth=self._limits.depth)
            prompt = read_prompt(received.dialect, body, path)
            received = replace(received, body=body, unmasked=serialize(body), prompt=prompt)
        except Malformed as error:
            raise InvalidRequest(f"the body cannot be read: {error}") from error
        if received.dialect != "json" and not isinstance(body, dict):
            raise InvalidRequest("the body cannot be read: expected a JSON object")
        if len(received.prompt.parts) > self._limits.parts:
            raise PromptTooLarge(f"the body has over {self._limits.parts} strings, keys and long numbers")
        return received


def open_envelope(call: Call) -> tuple[Envelope, list[Part]]:
    """Return what goes up beside the body, and its texts to be inspected, the path first.

    Raises InvalidRequest.
    """
    up_path = normalize(call.raw_path)
    query, up_query = _query(call.raw_query)
    headers = up_headers(call.headers)
    texts = {"path": up_path, "query": query, **syntax_headers(headers)}
    parts = [Part("", "field", name, text, "structural") for name, text in texts.items()]
    return Envelope(up_path, up_query, headers), parts


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


def outgoing_headers(envelope: Envelope, media_type: str, dialect: str) -> dict[str, str]:
    """Return the headers that go up with the body; the provider's credential is not among them."""
    if dialect == "none":
        return dict(envelope.headers)
    opaque = media_type or "application/octet-stream"
    return {**envelope.headers, "content-type": opaque if dialect == "opaque" else "application/json"}


def _weight(body: bytes) -> int:
    """Return about how many bytes a JSON body takes once it is parsed, beside its own."""
    return _NODE_BYTES * (body.count(b"{") + body.count(b"[")) + _ITEM_BYTES * body.count(b",")


def _opaque(body: bytes, content_type: str) -> Prompt:
    """Return a body that is not JSON as one part if it is text, else as an attachment.

    The content type says how the bytes are read, so its parts are inspected as syntax.
    """
    media_type, _, parameters = (piece.strip() for piece in content_type.partition(";"))
    named = {"content-type": media_type, "content-type;": parameters}
    parts = tuple(Part("", "field", name, text, "structural") for name, text in named.items() if text)
    text = _text(body, parameters)
    if text is None:
        return Prompt(parts, (Attachment("opaque", media_type, len(body)),))
    return Prompt((*parts, Part("", "field", "", text)))


def _text(body: bytes, parameters: str) -> str | None:
    """Return the body as the text that every reader sees, None when it is binary or in another charset.

    UTF-16 of plain English is valid UTF-8 with a NUL behind each letter, where no detector finds a word.
    """
    if any(charset.lower() not in _READABLE for charset in _CHARSET.findall(parameters)) or b"\0" in body:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None
