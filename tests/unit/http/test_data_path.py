"""Requests for providers pass the routes by; whatever a route may match does not."""

from __future__ import annotations

import pytest
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.data_path import DataPath


def told(name: str, seen: list[str]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(name)

    return app


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("http", "/openai/v1/chat/completions", "provider"),
        ("http", "/healthz", "routes"),
        ("http", "//healthz", "routes"),
        ("http", "/admin/v1/keys", "routes"),
        ("http", "/admin", "routes"),
        ("http", "/admins/v1", "provider"),
        ("http", "/static/x.css", "routes"),
        ("http", "/", "provider"),
        ("websocket", "/openai/v1/responses", "routes"),
        ("lifespan", "", "routes"),
    ],
)
async def test_the_first_word_says_who_serves(kind: str, path: str, expected: str) -> None:
    seen: list[str] = []
    routes = [
        Route("/healthz", told("", [])),
        Route("/admin/v1/{rest:path}", told("", [])),
        Mount("/static", told("", [])),
    ]
    way = DataPath(told("routes", seen), serve=told("provider", seen), routes=routes)
    await way({"type": kind, "path": path}, None, None)  # type: ignore[arg-type]  # neither is used
    assert seen == [expected]
