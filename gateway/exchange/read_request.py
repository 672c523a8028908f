"""From the bytes of a request to a prompt, and from the masked prompt back to the bytes that go up."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from gateway import detect
from gateway.config import Limits
from gateway.dialects import Malformed, decompress, dialect_of, normalize, parse, read_prompt, serialize
from gateway.errors import InvalidRequest, PromptTooLarge
from gateway.exchange.exchange import Exchange
from gateway.upstream import QUERY_PARAMETERS, Upstreams, up_headers
from gateway.words import Attachment, Part, Prompt

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_CHARSET = re.compile(r"""charset[^=;]*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_READABLE = ("utf-8", "utf8", "us-ascii", "ascii")  # what decoding as UTF-8 reads right
_NODE_BYTES, _ITEM_BYTES = 64, 32  # of an object or an array, and of each thing in it
_LARGE = 64 * 1024  # bytes: a body over this is parsed off the event loop, for it may be nothing but parts


class Reading:
    """Reads requests within bounds, those on bytes before and after decompression."""

    def __init__(self, upstreams: Upstreams, limits: Limits) -> None:
        self._upstreams = upstreams
        self._limit = limits.body_bytes
        self._depth = limits.depth
        self._max_parts = limits.parts
        self._seconds = limits.inspect_seconds

    def address(self, exchange: Exchange) -> list[Part]:
        """Find the provider and what goes up beside the body; its texts, the path first, to be inspected.

        Raises InvalidRequest, and UpstreamUnavailable for a disabled provider.
        """
        call = exchange.call
        exchange.upstream = self._upstreams.find(call.provider)
        exchange.provider, exchange.family = exchange.upstream.name, exchange.upstream.family
        exchange.up_path = normalize(call.raw_path)
        query, exchange.up_query = _query(call.raw_query)
        texts = {"path": exchange.up_path, "query": query, **up_headers(call.headers)}
        return [Part("", "field", name, text, "structural") for name, text in texts.items()]

    async def read(self, exchange: Exchange) -> None:
        """Read the body and parse it into parts. Raises InvalidRequest, PromptTooLarge, InspectionFailed."""
        call = exchange.call
        encodings = call.headers.get("content-encoding", "")
        body = decompress(await call.body(), encodings, self._limit)
        call.hold(len(body) if encodings else 0)
        media_type = call.headers.get("content-type", "")
        exchange.dialect = dialect_of(exchange.family, call.method, exchange.up_path, media_type, bool(body))
        if exchange.dialect == "none":
            return
        if exchange.dialect == "opaque":
            exchange.document, exchange.unmasked = body, body
            exchange.prompt = _opaque(body, media_type)
            return
        call.hold(_weight(body))
        if len(body) > _LARGE:
            async with detect.in_time(self._seconds):
                await asyncio.to_thread(self._parse, exchange, body)
        else:
            self._parse(exchange, body)

    def _parse(self, exchange: Exchange, body: bytes) -> None:
        try:
            exchange.document = parse(body, depth=self._depth)
            exchange.prompt = read_prompt(exchange.dialect, exchange.document)
            exchange.unmasked = serialize(exchange.document)
        except Malformed as error:
            raise InvalidRequest(f"the body cannot be read: {error}") from error
        if exchange.dialect != "json" and not isinstance(exchange.document, dict):
            raise InvalidRequest("the body cannot be read: expected a JSON object")
        if len(exchange.prompt.parts) > self._max_parts:
            raise PromptTooLarge(f"the body has over {self._max_parts} strings, keys and long numbers")


def _weight(body: bytes) -> int:
    """Return about how many bytes a JSON body takes as a document, beside its own."""
    return _NODE_BYTES * (body.count(b"{") + body.count(b"[")) + _ITEM_BYTES * body.count(b",")


def outgoing_body(exchange: Exchange) -> bytes:
    """What was inspected and masked, never the original bytes of a JSON body."""
    if exchange.dialect == "none":
        return b""
    if exchange.dialect == "opaque":
        document = exchange.document
        return document.encode() if isinstance(document, str) else bytes(document)
    return serialize(exchange.document)


def outgoing_headers(exchange: Exchange) -> dict[str, str]:
    """Return the headers that go up with the outgoing body; the provider's credential is not among them."""
    return up_headers(exchange.call.headers) | _content_type(exchange)


def _content_type(exchange: Exchange) -> dict[str, str]:
    if exchange.dialect == "none":
        return {}
    if exchange.dialect == "opaque":
        return {"content-type": exchange.call.headers.get("content-type", "application/octet-stream")}
    return {"content-type": "application/json"}


def _query(raw: bytes) -> tuple[str, str]:
    """The whole query as text, for inspection, and what of it goes up."""
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise InvalidRequest("the query cannot be read: expected percent-encoded UTF-8") from error
    if _ENCODED.search(text):
        raise InvalidRequest("the query is percent-encoded twice")
    return text, urlencode([(name, value) for name, value in pairs if name in QUERY_PARAMETERS])


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
