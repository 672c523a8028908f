"""The bare pass-through to compare with: `python -m bench.passthrough PORT UPSTREAM`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def create(upstream: str) -> Starlette:
    """Starlette in front, aiohttp behind, nothing in between."""
    sessions: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            sessions.append(session)
            yield

    async def forward(request: Request) -> Response:
        body = await request.body()
        headers = {"content-type": "application/json"}
        async with sessions[0].post(f"{upstream}{request.url.path}", data=body, headers=headers) as answer:
            return Response(await answer.read(), answer.status, {"content-type": answer.content_type})

    return Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        create(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False,
        log_level="error",
    )  # fmt: skip
