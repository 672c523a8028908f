"""Providers at several addresses: each answers by a script, and keeps the heads of what it got."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp.web

Answer = Callable[[aiohttp.web.BaseRequest], tuple[int, dict[str, str]]]


@dataclass(slots=True)
class Site:
    """One address, and what came to it."""

    url: str
    keys: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    says: str = '{"ok": true}'


@asynccontextmanager
async def site(answer: Answer, tls: ssl.SSLContext | None = None, *, port: int = 0) -> AsyncIterator[Site]:
    """Serve one address."""
    found = Site("")

    async def serve(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        found.keys.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        found.heads.append({name.lower(): text for name, text in request.headers.items()})
        found.targets.append(request.path_qs if request.method != "CONNECT" else request.path)
        found.bodies.append(await request.text())
        status, headers = answer(request)
        kind = "application/json"
        return aiohttp.web.Response(status=status, headers=headers, text=found.says, content_type=kind)

    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(serve))
    await runner.setup()
    served = aiohttp.web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await served.start()
    bound = runner.addresses[0][1]
    found.url = f"{'https' if tls else 'http'}://127.0.0.1:{bound}"
    try:
        yield found
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)


def always(status: int = 200, **headers: str) -> Answer:
    """Answer alike, whatever is asked; `retry_after` is the header retry-after."""
    return lambda _: (status, {name.replace("_", "-"): text for name, text in headers.items()})


def only(key: str, status: int = 401) -> Answer:
    """Answer 200 to one key, and this status to every other."""
    return lambda request: (200 if request.headers.get("authorization") == f"Bearer {key}" else status, {})
