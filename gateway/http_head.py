"""Bounds on a request's head, which httptools has none of: its size, and the time it may take."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 20.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, closing a connection whose head is too large or too slow: nobody is known yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._ended_one = False  # a request came to its end in the bytes at hand
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head and self._late is None:  # the next request of a connection that is kept alive
            self._expect_head()
        self._ended_one = False
        super().data_received(data)
        if self._in_head and not self._ended_one:  # else most of these bytes were a body
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
                self._head_is_here()
                self.send_400_response("Request head too large.")

    def on_headers_complete(self) -> None:
        self._head_is_here()
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes, self._ended_one = True, 0, True

    def _expect_head(self) -> None:
        self._late = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _head_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
