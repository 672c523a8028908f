"""How a connection ends: behind its answer, for want of room, or because its client reads no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_CONNECTIONS = 1000
_LINGER_SECONDS = 1.0
_READER_SECONDS = 30.0  # in which a client takes _READER_BYTES of an answer that fills the buffer
_READER_BYTES = 32 * 1024


class PartingHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with at most `connections` to a worker, each of which comes to an end."""

    def __init__(self, *args: Any, connections: int = _CONNECTIONS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answering: RequestResponseCycle | None = None
        self.deaf = False  # what still comes is dropped
        self._most = connections
        self._waits_since: float | None = None
        self._ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if len(self.connections) > self._most and not self._make_room():
            self.refuse("503 Service Unavailable", "Too many connections.")
        self._waits_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ends_not()
        self.give_up()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._waits_since = None
        if is_old := self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # such a client knows no interim answer (RFC 9110, 10.1.1)
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", _Outlet(self, self.cycle))
        if is_old:  # nor chunks (RFC 9112, 6.1): an answer of unknown length ends with the connection
            self.cycle.chunked_encoding, self.cycle.expected_content_length = False, _AnyLength()

    def on_response_complete(self) -> None:
        if not self.pipeline:
            self._waits_since = self.loop.time()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is due or under way."""
        return self.answering is not None and not self.answering.response_complete

    def give_up(self) -> None:
        """Tell the applications of this connection that their client is gone; uvicorn tells the last one."""
        for cycle in (self.answering, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def refuse(self, status: str, message: str) -> None:
        """Answer a request that no application gets, and close."""
        head = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(message)}\r\n"
        self.transport.write(f"HTTP/1.1 {status}\r\n{head}connection: close\r\n\r\n{message}".encode("ascii"))
        self.part()

    def part(self) -> None:
        """Close behind what was written; drop what the client still sends for a moment.

        To close at once would reset the connection, and a reset can destroy the answer (RFC 9112, 9.6).
        """
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.close()
            return
        self.deaf = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._ends(_LINGER_SECONDS, self.transport.abort)

    def close(self) -> None:
        """Close once what was written is read."""
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._watch_reader()

    def timeout_keep_alive_handler(self) -> None:
        self.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._ending is None:
            self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not (self.deaf or self.transport.is_closing()):
            self._ends_not()

    def _watch_reader(self) -> None:
        self._ends(_READER_SECONDS, self._look_at_reader, self.transport.get_write_buffer_size())

    def _look_at_reader(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _READER_BYTES:
            self.transport.abort()
        else:
            self._watch_reader()

    def _ends(self, seconds: float, ending: Callable[..., None], *given: Any) -> None:
        self._ends_not()
        self._ending = self.loop.call_later(seconds, ending, *given)

    def _ends_not(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a request, if one waits."""
        others = cast("set[PartingHttpProtocol]", self.connections)
        waiting = [(one._waits_since, id(one), one) for one in others if one._waits_since is not None]
        if not waiting:
            return False
        longest = min(waiting)[2]
        others.discard(longest)
        longest.transport.abort()
        return True


class _AnyLength(int):
    """The expected length of a body that may have any: uvicorn compares it, and takes off what is sent."""

    def __lt__(self, sent: int) -> bool:
        return False

    def __sub__(self, sent: int) -> Self:
        return self


class _Outlet:
    """What a cycle of uvicorn writes to: the transport, but for the way in which it is closed."""

    def __init__(self, connection: PartingHttpProtocol, cycle: RequestResponseCycle) -> None:
        self._connection = connection
        self._cycle = cycle
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing

    def close(self) -> None:
        if self._cycle.more_body:
            self._connection.part()
        else:
            self._connection.close()
