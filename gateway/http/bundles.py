"""Bundles over HTTP, for OPAs: `/bundles/<name>.tar.gz` to whoever holds a key that may pull."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.errors import ConfigError, PolicyUnavailable, Refusal
from gateway.identity import Identity, check_names, presented_key
from gateway.oversight import Forbidden, require
from gateway.policy import ActiveBundle, Shelf

ACTIVE = "active"
_HEADERS = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}


class NoSuchBundle(Refusal):
    status, code = 404, "not_found"


def bundle_routes(identity: Identity, shelf: Shelf, active: ActiveBundle) -> list[BaseRoute]:
    """The routes to mount."""

    async def answer(request: Request) -> Response:
        try:
            await _admit(request, identity)
            content = await _find(request.path_params["name"], shelf, active)
        except Refusal as error:
            return _refuse(error.status, error.code, error.message)
        except Forbidden as error:
            return _refuse(403, "forbidden", str(error))
        tag = f'"{await asyncio.to_thread(_digest, content)}"'
        headers = {**_HEADERS, "etag": tag}
        if _has(request, tag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/gzip")

    return [Route("/bundles/{name}.tar.gz", answer, methods=["GET"])]


async def _admit(request: Request, identity: Identity) -> None:
    """Raises Unauthenticated, Forbidden, StateUnavailable."""
    check_names(request.headers.keys())
    presented = presented_key(request.headers.get("authorization"), request.headers.get("x-api-key"))
    require(await identity.identify_key(presented), "bundles")


async def _find(name: str, shelf: Shelf, active: ActiveBundle) -> bytes:
    """`active` is what this gateway decides by; every other name is a file of the folder."""
    if name == ACTIVE:
        try:
            return await active.content()
        except (ConfigError, PolicyUnavailable) as error:
            raise NoSuchBundle(str(error)) from error
    content = await asyncio.to_thread(shelf.read, name)
    if content is None:
        raise NoSuchBundle("there is no such bundle")
    return content


def _has(request: Request, tag: str) -> bool:
    """Whether the caller says that it holds these bytes (RFC 9110, 13.1.2)."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in known or known == ["*"]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refuse(status: int, code: str, message: str) -> Response:
    headers: Mapping[str, str] = _HEADERS
    if status == 401:
        headers = {**_HEADERS, "www-authenticate": "Bearer"}
    body = orjson.dumps({"error": {"code": code, "message": message}})
    return Response(body, status, headers, media_type="application/json")
