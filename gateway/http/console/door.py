"""Access to the console: a page needs a live key, a form needs the token of its own visit."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.audit.reading import QueryFailed
from gateway.errors import Refusal
from gateway.http.console.rendering import HEADERS, Templates
from gateway.http.console.visits import Visit, Visits
from gateway.http.faults import describe
from gateway.oversight import Oversight, Right, read_body, rights_of
from gateway.state import KeyRow

_FIELDS = 20
_PAGE = re.compile(r"/console/[a-z]+(/[A-Za-z0-9_-]+)?")
# The tabs in their order, each with the right that it needs.
_TABS: tuple[tuple[Right, str, str], ...] = (
    ("approvals", "/console/approvals", "Approvals"),
    ("evidence", "/console/exchanges", "Exchanges"),
    ("policy", "/console/policy", "Policy"),
)


class StaleForm(Refusal):
    """A form without the token of this visit: from another site, or from an earlier visit."""

    status, code = 403, "forbidden"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request of a signed-in user."""

    request: Request
    visit: Visit
    key: KeyRow


Shown = Callable[[Visitor], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Wraps pages and forms, and turns their errors into pages."""

    def __init__(self, oversight: Oversight, visits: Visits, templates: Templates) -> None:
        self._oversight = oversight
        self._visits = visits
        self._templates = templates

    def admits(self, page: Shown) -> Endpoint:
        """Return an endpoint for signed-in users, which sends others to the sign-in page."""

        async def answer(request: Request) -> Response:
            visitor = await self._visitor(request)
            return _to_sign_in(request) if visitor is None else await page(visitor)

        return self.guards(answer)

    def guards(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint with its errors as pages; it may be called without a key."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Exception as error:  # noqa: BLE001 - the outermost handler; `describe` logs it
                return await self.refuse(request, error)

        return answer

    async def page(self, visitor: Visitor, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page with the tabs and rights of its visitor."""
        rights = rights_of(visitor.key)
        return await self._templates.answer(
            template,
            status,
            key=visitor.key,
            rights=rights,
            tabs=[(path, name) for right, path, name in _TABS if right in rights],
            here=visitor.request.url.path,
            token=self._visits.form_token(visitor.visit),
            now=time.time(),
            **values,
        )

    async def read_form(self, request: Request, visit: Visit | None) -> dict[str, str]:
        """Return the fields of a form. Raise StaleForm unless it came from a page of this visit."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            raise HTTPException(415)
        body = await read_body(request)
        try:
            fields = dict(parse_qsl(body.decode(), True, errors="strict", max_num_fields=_FIELDS))
        except ValueError as error:
            raise HTTPException(400) from error
        # browsers say where a form comes from, and a page cannot make them lie
        foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign or visit is None or not self._visits.is_own_form(visit, fields.get("token", "")):
            raise StaleForm(
                "this form is not from a page of this visit, or it is too old: load the page again"
            )
        return fields

    async def refuse(self, _: Request, error: Exception) -> Response:
        """Return the page that shows an error."""
        status, message = _describe(error)
        response = await self._templates.answer(
            "problem.html", status, title=HTTPStatus(status).phrase, message=message
        )
        response.headers.update(getattr(error, "headers", None) or {})  # `allow`, of a 405
        return response

    async def _visitor(self, request: Request) -> Visitor | None:
        visit = self._visits.of(request)
        if visit is None or not visit.key_id:
            return None
        # looked up each time: revoking the key ends every visit at once, and signing out ends this one
        key = await self._oversight.keys.live(visit.key_id, visit.id)
        return None if key is None else Visitor(request, visit, key)


def first_tab(key: KeyRow) -> str:
    """Return the path of the first tab that the key has the right to."""
    rights = rights_of(key)
    return next((path for right, path, _ in _TABS if right in rights), "/console/login")


def see_other(path: str) -> Response:
    """Redirect to a path with a GET."""
    return RedirectResponse(path, 303, HEADERS)


def is_page(path: str) -> bool:
    """Return whether sign-in may lead there: to a page of the console and nowhere else."""
    return _PAGE.fullmatch(path) is not None


def _to_sign_in(request: Request) -> Response:
    path = request.url.path
    return see_other(f"/console/login?next={quote(path)}" if is_page(path) else "/console/login")


def _describe(error: Exception) -> tuple[int, str]:
    if isinstance(error, QueryFailed):  # the query is the page's own
        return 503, str(error)
    if isinstance(error, HTTPException):
        return error.status_code, HTTPStatus(error.status_code).description
    fault = describe(error)
    return fault.status, fault.message
