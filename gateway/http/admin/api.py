"""The endpoints of the admin API: identify the key, check its right, call oversight, answer in JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast, get_args

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.approvals import to_document
from gateway.dialects import Malformed, parse
from gateway.errors import ConfigError, InvalidRequest, Refusal
from gateway.http.faults import describe
from gateway.identity import check_names, presented_key
from gateway.oversight import NamedTool, NewKey, Oversight, read_body, require, rights_of
from gateway.state import KeyRow, Status, Verdict

T = TypeVar("T")
Endpoint = Callable[[Request, KeyRow], Awaitable[object]]

_MOST_LISTED = 1000


class InvalidValue(Refusal):
    status, code = 422, "invalid_value"


class UnsupportedMediaType(Refusal):
    status, code = 415, "unsupported_media_type"


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: str = ""


class _Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: str


def admin_routes(oversight: Oversight) -> list[BaseRoute]:
    """Return the routes to mount: everything under `/admin/v1`, errors too, is answered in JSON."""
    api = _Api(oversight)
    routes = [
        api.route("/whoami", GET=api.whoami),
        api.route("/approvals", GET=api.approvals),
        api.route("/approvals/{id}", GET=api.approval),
        api.route("/approvals/{id}/approve", POST=partial(api.decide, verdict="approve")),
        api.route("/approvals/{id}/deny", POST=partial(api.decide, verdict="deny")),
        api.route("/sessions", GET=api.sessions),
        api.route("/sessions/{id}", GET=api.session),
        api.route("/exchanges", GET=api.exchanges),
        api.route("/exchanges/{id}", GET=api.exchange),
        api.route("/keys", GET=api.keys, POST=api.create_key),
        api.route("/keys/{id}", DELETE=api.revoke_key),
        api.route("/policy", GET=api.policy),
        api.route("/tools", GET=api.tools),
        api.route("/tools/forget", POST=api.forget_tool),
        api.route("/sql", POST=api.sql),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refuse})
    app.router.redirect_slashes = False
    return [Mount("/admin/v1", app=app)]


class _Api:
    """The endpoints, a method each. A method returns a Response, or what becomes the JSON body of one."""

    def __init__(self, oversight: Oversight) -> None:
        self._oversight = oversight

    def route(self, path: str, **endpoints: Endpoint) -> Route:
        """Return a path with an endpoint for each method; the key is identified before one is called."""

        async def respond(request: Request) -> Response:
            try:
                key = await self._identify(request)
                method = "GET" if request.method == "HEAD" else request.method
                answer = await endpoints[method](request, key)
            except Exception as error:  # noqa: BLE001 - the outermost handler; `describe` logs it
                return await _refuse(request, error)
            # off the event loop: an answer may have megabytes
            return answer if isinstance(answer, Response) else await asyncio.to_thread(_json, answer)

        return Route(path, respond, methods=list(endpoints))

    async def whoami(self, _: Request, key: KeyRow) -> object:
        return {
            "id": key.id,
            "agent": key.agent,
            "owner": key.owner,
            "role": key.role,
            "groups": list(key.groups),
            "rights": list(rights_of(key)),
        }

    async def approvals(self, request: Request, key: KeyRow) -> object:
        found = await self._oversight.list_approvals(key, _status(request))
        return {"approvals": [to_document(approval) for approval in found]}

    async def approval(self, request: Request, key: KeyRow) -> object:
        """Return an approval; for approvers with its contents, all of them or those of one page."""
        approval = await self._oversight.read_approval(key, request.path_params["id"])
        if "approvals" not in rights_of(key):
            return to_document(approval)
        page = _number(request, "page", absent=0, most=999_999)
        return await self._oversight.approvals.describe(approval, page)

    async def decide(self, request: Request, key: KeyRow, *, verdict: Verdict) -> object:
        require(key, "decide")
        said, approval_id = await _body(request, _Note), request.path_params["id"]
        approvals = self._oversight.approvals
        return await approvals.describe(await approvals.decide(approval_id, key, verdict, said.note))

    async def sessions(self, request: Request, key: KeyRow) -> object:
        require(key, "evidence")
        agent = request.query_params.get("agent", "")
        return {"sessions": await self._oversight.evidence.sessions(agent=agent, limit=_limit(request))}

    async def session(self, request: Request, key: KeyRow) -> object:
        require(key, "evidence")
        return await self._oversight.evidence.session(request.path_params["id"])

    async def exchanges(self, request: Request, key: KeyRow) -> object:
        require(key, "evidence")
        wanted = {name: request.query_params.get(name, "") for name in ("session", "agent", "action")}
        return {"exchanges": await self._oversight.evidence.exchanges(**wanted, limit=_limit(request))}

    async def exchange(self, request: Request, key: KeyRow) -> object:
        require(key, "evidence")
        return await self._oversight.evidence.exchange(request.path_params["id"])

    async def keys(self, _: Request, key: KeyRow) -> object:
        require(key, "keys")
        return {"keys": await self._oversight.keys.list()}

    async def create_key(self, request: Request, key: KeyRow) -> object:
        require(key, "keys")
        wanted = await _body(request, NewKey)
        try:
            return _json(await self._oversight.keys.create(key, wanted), 201)
        except ConfigError as error:
            raise InvalidValue(str(error)) from error

    async def revoke_key(self, request: Request, key: KeyRow) -> object:
        require(key, "keys")
        return await self._oversight.keys.revoke(key, request.path_params["id"])

    async def policy(self, _: Request, key: KeyRow) -> object:
        return self._oversight.policy_status(key)

    async def tools(self, _: Request, key: KeyRow) -> object:
        require(key, "policy")
        return {"tools": await self._oversight.tools.list()}

    async def forget_tool(self, request: Request, key: KeyRow) -> object:
        require(key, "tools")
        return await self._oversight.tools.forget(key, await _body(request, NamedTool))

    async def sql(self, request: Request, key: KeyRow) -> object:
        require(key, "evidence")
        answer = await self._oversight.sql(key, (await _body(request, _Query)).query)
        columns = [
            {"name": name, "type": kind} for name, kind in zip(answer.columns, answer.types, strict=True)
        ]
        return {"columns": columns, "rows": answer.rows, "truncated": answer.truncated}

    async def _identify(self, request: Request) -> KeyRow:
        headers = request.headers
        check_names(headers.keys())
        presented = presented_key(headers.get("authorization"), headers.get("x-api-key"))
        return await self._oversight.identity.identify_key(presented)


async def _body(request: Request, kind: type[T]) -> T:
    """Return the body as a `kind`. Raise UnsupportedMediaType, InvalidRequest or InvalidValue."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":  # which a form on a foreign page cannot send
        raise UnsupportedMediaType("content-type: expected application/json")
    try:
        return msgspec.convert(parse(await read_body(request), depth=10), kind)
    except Malformed as error:
        raise InvalidRequest(f"the body is {error}") from error
    except msgspec.ValidationError as error:
        raise InvalidValue(f"the body: {error}") from error


def _status(request: Request) -> Status | None:
    status = request.query_params.get("status", "")
    if status and status not in get_args(Status):
        raise InvalidValue(f"status: expected one of {', '.join(get_args(Status))}")
    return cast(Status, status) if status else None


def _limit(request: Request) -> int:
    return _number(request, "limit", absent=100, most=_MOST_LISTED)


def _number(request: Request, name: str, *, absent: int, most: int) -> int:
    """Return a number of the query from 1 to `most`, or `absent` without one. Raise InvalidValue."""
    if (said := request.query_params.get(name)) is None:
        return absent
    if not (said.isascii() and said.isdecimal() and len(said) < 7 and 1 <= int(said) <= most):
        raise InvalidValue(f"{name}: expected a number from 1 to {most}")
    return int(said)


async def _refuse(_: Request, error: Exception) -> Response:
    status, code, message = describe(error)
    headers = dict(getattr(error, "headers", None) or {})  # `allow`, of a 405
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 503:
        headers["retry-after"] = "1"
    return _json({"error": {"code": code, "message": message}}, status, headers)


def _json(document: object, status: int = 200, headers: Mapping[str, Any] | None = None) -> Response:
    """Return a response that no cache keeps, since it may hold keys; integers may have any size."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    own = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(body, status, {**own, **(headers or {})}, media_type="application/json")
