"""The application in this process, over its real parts: embedded policy, demo provider, real journal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import yaml

from gateway.config import load_config
from gateway.http.app import Worker, create_app, open_worker
from gateway.identity import create_key
from tests.support.configuration import configuration


@dataclass(frozen=True, slots=True)
class Running:
    """An open application: its worker, a client for it, and the key of an agent."""

    worker: Worker
    http: httpx.AsyncClient
    key: str
    app: Any

    async def ask(self, text: str, path: str = "demo/v1/chat/completions") -> httpx.Response:
        body = {"model": "demo", "messages": [{"role": "user", "content": text}]}
        return await self.http.post(f"/{path}", json=body, headers={"authorization": f"Bearer {self.key}"})


Opened = Callable[..., AbstractAsyncContextManager[Running]]


def opener(folder: Path) -> Opened:
    """Return what opens an application in `folder`, with changes to its configuration."""

    @asynccontextmanager
    async def open_with(**changes: Any) -> AsyncIterator[Running]:
        file = folder / "regate.yaml"
        config = configuration("http://127.0.0.1:1", engine="embedded", **changes)
        file.write_text(yaml.safe_dump(config))
        loaded = load_config(file)
        async with AsyncExitStack() as stack:
            # `audit.duckdb` is for other tools, as in the tests of the sealer; it takes most of a start
            with patch("gateway.audit.reading.views.publish"):
                worker = await stack.enter_async_context(open_worker(loaded))
            _, key = create_key(worker.keys, agent="agent", owner="ana", now=time.time())
            app = create_app(loaded, worker)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://regate") as http:
                yield Running(worker, http, key, app)

    return open_with
