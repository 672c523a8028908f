"""The pool of connections to providers, with the one bound that aiohttp leaves out: on interim answers."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

_INTERIM = 16  # 1xx answers to one request: a hint or two, and what proxies add


class BoundedConnector(aiohttp.TCPConnector):
    """aiohttp's pool, whose connections end when a provider sends interim answers (1xx) without end."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._factory = cast("partial[ResponseHandler]", partial(_Handler, loop=self._loop))


class _Handler(ResponseHandler):
    """One connection. aiohttp queues each interim answer, in any number, until the request takes it."""

    _interim = 0

    def feed_data(self, data: Any, size: int = 0) -> None:
        if self._interim > _INTERIM:  # what else came in the same piece
            return
        self._interim = self._interim + 1 if data[0].code < 200 else 0
        if self._interim <= _INTERIM:
            super().feed_data(data, size)
            return
        self.set_exception(BadHttpMessage(f"over {_INTERIM} interim answers"))
        if self.transport is not None:
            self.transport.abort()
