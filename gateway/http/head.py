"""What a request may be before its caller is known: bounds, and a syntax that every proxy reads alike."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from typing import Any

from gateway.http.parting import PartingHttpProtocol

_HEAD_BYTES = 64 * 1024  # of a head; of chunk sizes, extensions and trailers between two pieces of a body
_HEAD_FIELDS = 200
_HEAD_SECONDS = 20.0
_PIPELINED = 4  # requests that wait for the answers of others on their connection
_PIPELINED_BYTES = 16 * 1024  # of the body of one that waits
_HELD_BYTES = 8 * 1024  # of a head that is looked at as a whole
_HEAD_END = re.compile(rb"\n\r?\n")
_NO_HEAD = re.compile(rb"[\r\n]*[^\r\nA-Z]")  # as a client of TLS begins: it is told at once
_HAS_BODY = re.compile(rb"\n(?:content-length:[ \t]*0*[1-9]|transfer-encoding:)", re.IGNORECASE)
_H2C = re.compile(rb"(?<=\n)upgrade:[ \t]*h2c[ \t]*\r\n(?![ \t])", re.IGNORECASE)


class _Refused(Exception):
    """Ends the parser's work on a request; the connection knows why."""


class BoundedHttpProtocol(PartingHttpProtocol):
    """uvicorn's HTTP/1.1, refusing a request that is too large, too slow, or ambiguous."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head = bytearray()  # the first bytes of a head of which the end has not come
        self._begun = False  # whether the parser has read some of a head
        self._fields = 0
        self._syntax = 0  # bytes since the last piece of a body
        self._keeps = False  # whether another request may follow this one
        self._why = ""
        self._certificate = ""  # of the client, verified
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls else None
        self._certificate = ssl.DER_cert_to_PEM_cert(shown) if shown else ""
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        if self._in_head and self._late is None:  # the next request of a connection that is kept alive
            self._await_head()
        if not self._begun:
            self._head += data
            new = max(0, len(self._head) - len(data) - 2)
            is_whole = _HEAD_END.search(self._head, new) or _NO_HEAD.match(self._head)
            if len(self._head) <= _HELD_BYTES and not is_whole:
                return
            data, self._head = without_h2c(bytes(self._head)), bytearray()
        self._syntax += len(data)  # what the parser finds in it sets this back
        super().data_received(data)
        if self._syntax > _HEAD_BYTES and not (self.deaf or self.transport.is_closing()):
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        self._begun = True
        super().on_message_begin()
        if self._certificate:
            self.scope["extensions"] = {"tls": {"client_cert_chain": [self._certificate]}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. A trailer is dropped: it came after the caller was identified."""
        if not self._in_head:
            return
        self._fields += 1
        if self._fields > _HEAD_FIELDS:
            self._stop("Request head too large.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_here()
        version, upgrades = self.parser.get_http_version(), self.parser.should_upgrade()
        if problem := flaw(version, self.headers, upgrades=upgrades):
            self._stop(problem)
        if len(self.pipeline) >= _PIPELINED:
            self._stop("Too many pipelined requests.")
        self._in_head, self._syntax = False, 0
        super().on_headers_complete()
        self.flow.resume_reading()  # a connection that is not read does not tell that its client left
        self._keeps = self.cycle.keep_alive and not upgrades
        self.cycle.keep_alive = False  # until its end is here: the rest of a body is no next request

    def on_body(self, body: bytes) -> None:
        self._syntax = 0
        if self.cycle is not self.answering and len(self.cycle.body) + len(body) > _PIPELINED_BYTES:
            self._stop("Pipelined request too large.")
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.cycle.keep_alive = self._keeps
        self._in_head, self._begun, self._syntax, self._fields = True, False, 0, 0
        self.deaf = self.deaf or self.parser.should_upgrade()  # what follows may be another protocol

    def send_400_response(self, msg: str) -> None:
        """Refuse the request at hand. An earlier one that came whole is answered first, then all ends."""
        self._head_is_here()
        cycle = self.answering
        if cycle is not None and self.is_answering and not cycle.more_body:
            self.deaf = True
            self.pipeline.clear()
            cycle.keep_alive = False
        elif cycle is not None and self.is_answering and cycle.response_started:
            self.transport.abort()
        else:
            self.give_up()
            self.refuse("400 Bad Request", self._why or msg)

    def shutdown(self) -> None:
        self._keeps = False
        super().shutdown()

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore the offer, as a server may (RFC 9110, 7.8)."""

    def _stop(self, why: str) -> None:
        self._why = why
        raise _Refused(why)

    def _await_head(self) -> None:
        self._late = self.loop.call_later(_HEAD_SECONDS, self._give_up_head)

    def _give_up_head(self) -> None:
        if self.is_answering:
            self.send_400_response("Request head too late.")
        else:
            self.transport.close()

    def _head_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def without_h2c(data: bytes) -> bytes:
    """Return what was received without the offer of HTTP/2, where the request at its start has a body.

    A server may ignore an offer (RFC 9110, 7.8). Java's client makes one with each request, and httptools
    would read the body behind it as the next request.
    """
    end = _HEAD_END.search(data)
    head = data[: end.end()] if end else data
    return _H2C.sub(b"", head) + data[len(head) :] if _HAS_BODY.search(head) else data


def flaw(version: str, headers: Sequence[tuple[bytes, bytes]], *, upgrades: bool) -> str:
    """Say what in a head that httptools takes, another server may read differently; "" when nothing is."""
    if version not in ("1.0", "1.1"):
        return "HTTP version not supported."
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or codings != [b"chunked"]):
        return "Transfer-Encoding not supported: expected chunked, in HTTP/1.1."
    lengths = [value for name, value in headers if name == b"content-length"]
    if upgrades and (codings or any(int(length) for length in lengths)):
        # httptools would read the body as the next request
        return "Upgrade not supported on a request with a body."
    if sum(name == b"host" for name, _ in headers) > 1:
        return "Host given twice."
    return ""
