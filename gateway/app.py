"""Puts the gateway together: every collaborator is made here, once a worker, and closed in reverse order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway import __version__
from gateway.approvals import Approvals
from gateway.audit import Journal
from gateway.config import Config
from gateway.detect import Inspection, Inspector
from gateway.identity import Identity
from gateway.metrics import Metrics
from gateway.pipeline import Gateway
from gateway.policy import Policies
from gateway.proxy import Proxy
from gateway.server_key import load_server_key
from gateway.sessions import Sessions, UsageCounters
from gateway.state import State, open_state
from gateway.upstream import Endpoints, open_session

_log = logging.getLogger("regate.app")


@dataclass(slots=True)
class Parts:
    """What the running worker is made of."""

    gateway: Gateway
    policies: Policies
    journal: Journal
    state: State


@asynccontextmanager
async def open_worker(config: Config) -> AsyncIterator[Parts]:
    """Start everything a worker needs. Raises ConfigError when it cannot start safely."""


def create_app(config: Config, parts: Parts) -> Starlette:
    """The ASGI application of one worker."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        problems = await parts.problems()
        return JSONResponse(
            {"ready": not problems, "version": __version__, "problems": problems},
            status_code=503 if problems else 200,
        )

    async def exposition(_: Request) -> Response:
        status = parts.policies.status()
        body = parts.metrics.exposition(policy_ready=status.ready and not status.error)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposition)]
    )
    app.router.redirect_slashes = False
    app.router.default = Proxy(
        parts.gateway,
        parts.metrics,
        limit=config.limits.body_bytes,
        enforced=config.policy.enforce,
    )
    return app
