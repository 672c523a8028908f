"""A browser at the console of a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http.console import console_routes
from tests.support.browser import Browser
from tests.support.desk import Desk


@pytest.fixture
async def browser(desk: Desk) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(Starlette(routes=console_routes(desk.oversight, desk.secret)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield Browser(client)
