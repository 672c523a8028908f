"""The door of the console: no page without a live key, no form that is not the visitor's own."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from gateway.approvals import NoSuchPage, UnknownApproval
from gateway.audit.reading import QueryFailed
from gateway.errors import Refusal, RegateError
from gateway.http.console.rendering import HEADERS, Templates
from gateway.http.console.visits import Visit, Visits
from gateway.oversight import (
    BodyTooLarge,
    BodyTooLate,
    Busy,
    Forbidden,
    NotInEvidence,
    Oversight,
    Right,
    read_body,
    rights_of,
)
from gateway.state import KeyRow

_log = logging.getLogger("regate.console")
_FIELDS = 20
_PAGE = re.compile(r"/console/[a-z]+(/[A-Za-z0-9_-]+)?")
# What a visitor may see, in the order in which it is offered.
_PLACES: tuple[tuple[Right, str, str], ...] = (
    ("approvals", "/console/approvals", "Approvals"),
    ("evidence", "/console/exchanges", "Exchanges"),
    ("policy", "/console/policy", "Policy"),
)
_STATUS: tuple[tuple[type[RegateError], int], ...] = (
    (Forbidden, 403),
    (UnknownApproval, 404),
    (NoSuchPage, 404),
    (NotInEvidence, 404),
    (BodyTooLarge, 413),
    (BodyTooLate, 408),
    (Busy, 503),
    (QueryFailed, 503),
)


class StaleForm(RegateError):
    """A form that this visit did not get from these pages, or got too long ago."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a live key, at one request."""

    request: Request
    visit: Visit
    key: KeyRow


Shown = Callable[[Visitor], Awaitable[Response]]
Sent = Callable[[Visitor, dict[str, str]], Awaitable[Response]]
Open = Callable[[Request], Awaitable[Response]]


class Door:
    """Wraps pages and forms; whatever goes wrong behind it becomes a page that says so."""

    def __init__(self, oversight: Oversight, visits: Visits, templates: Templates) -> None:
        self._oversight = oversight
        self._visits = visits
        self._templates = templates

    def shows(self, page: Shown) -> Open:
        """A page for people who have signed in; others are asked to."""

        async def answer(request: Request) -> Response:
            visitor = await self._visitor(request)
            return _to_sign_in(request) if visitor is None else await page(visitor)

        return self.guards(answer)

    def takes(self, form: Sent) -> Open:
        """A form from people who have signed in, on a page of this visit."""

        async def answer(request: Request) -> Response:
            visitor = await self._visitor(request)
            if visitor is None:
                return _to_sign_in(request)
            return await form(visitor, await self.read_form(request, visitor.visit))

        return self.guards(answer)

    def guards(self, endpoint: Open) -> Open:
        """An endpoint for anybody."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Exception as error:  # noqa: BLE001 - the outermost handler; unforeseen faults are logged
                return await self.refuse(request, error)

        return answer

    async def page(self, visitor: Visitor, template: str, status: int = 200, **values: Any) -> Response:
        """A page with everything around it that depends on who looks."""
        rights = rights_of(visitor.key)
        return await self._templates.answer(
            template,
            status,
            key=visitor.key,
            rights=rights,
            places=[(path, name) for right, path, name in _PLACES if right in rights],
            here=visitor.request.url.path,
            token=self._visits.form_token(visitor.visit),
            now=time.time(),
            **values,
        )

    async def read_form(self, request: Request, visit: Visit | None) -> dict[str, str]:
        """The fields of a form. Raises StaleForm unless it came from a page of this visit."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            raise HTTPException(415)
        body = await read_body(request)
        try:
            fields = dict(parse_qsl(body.decode(), True, errors="strict", max_num_fields=_FIELDS))
        except ValueError as error:
            raise HTTPException(400) from error
        # browsers say where a form comes from, and no page can make them lie
        foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign or visit is None or not self._visits.is_own_form(visit, fields.get("token", "")):
            raise StaleForm(
                "this form is not from a page of this visit, or it is too old: load the page again"
            )
        return fields

    async def refuse(self, _: Request, error: Exception) -> Response:
        """The page that says what went wrong."""
        status, message = _describe(error)
        response = await self._templates.answer(
            "problem.html", status, title=HTTPStatus(status).phrase, message=message
        )
        response.headers.update(getattr(error, "headers", None) or {})  # Allow, of a method that is not
        return response

    async def _visitor(self, request: Request) -> Visitor | None:
        visit = self._visits.of(request)
        if visit is None or not visit.key_id:
            return None
        # looked up each time: revoking the key ends every visit at once, and signing out ends this one
        key = await self._oversight.keys.live(visit.key_id, visit.id)
        return None if key is None else Visitor(request, visit, key)


def first_place(key: KeyRow) -> str:
    """Where somebody with this key begins."""
    rights = rights_of(key)
    return next((path for right, path, _ in _PLACES if right in rights), "/console/login")


def see_other(path: str) -> Response:
    """Go there with a GET."""
    return RedirectResponse(path, 303, HEADERS)


def is_page(path: str) -> bool:
    """Whether sign-in may lead there: a page of the console, and nothing of anybody else's."""
    return _PAGE.fullmatch(path) is not None


def _to_sign_in(request: Request) -> Response:
    path = request.url.path
    return see_other(f"/console/login?next={quote(path)}" if is_page(path) else "/console/login")


def _describe(error: Exception) -> tuple[int, str]:
    match error:
        case StaleForm():
            return 403, str(error)
        case Refusal():
            return error.status, error.message
        case HTTPException():
            return error.status_code, HTTPStatus(error.status_code).description
        case ClientDisconnect():
            return 400, "the form ended early"
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status, str(error)
    _log.error("unforeseen fault", exc_info=error)
    return 500, "the gateway failed on this request; its log says why"
