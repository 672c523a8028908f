"""The short way for requests to providers: past the routes, of which none would match."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class DataPath:
    """Hands a request to `serve` unless its path begins with the first word of one of the routes."""

    def __init__(self, app: ASGIApp, serve: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._serve = serve
        self._own = {_first_word(each.path) for each in routes if isinstance(each, Route | Mount)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        is_own = scope["type"] != "http" or _first_word(scope["path"]) in self._own
        await (self._app if is_own else self._serve)(scope, receive, send)


def _first_word(path: str) -> str:
    return path.lstrip("/").partition("/")[0]
