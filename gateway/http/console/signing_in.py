"""Sign-in with a key, and sign-out."""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import Unauthenticated
from gateway.http.console.attempts import Attempts
from gateway.http.console.door import Door, StaleForm, first_tab, is_page, see_other
from gateway.http.console.rendering import Templates
from gateway.http.console.visits import Visit, Visits
from gateway.identity import key_id
from gateway.oversight import Oversight


class SigningIn:
    """The sign-in page, the only one that needs no key, and the forms that begin and end a visit."""

    def __init__(
        self, oversight: Oversight, door: Door, visits: Visits, templates: Templates, attempts: Attempts
    ) -> None:
        self._oversight = oversight
        self._door = door
        self._visits = visits
        self._templates = templates
        self._attempts = attempts

    async def form(self, request: Request) -> Response:
        wanted = request.query_params.get("next", "")
        return await self._form(request, wanted=wanted)

    async def enter(self, request: Request) -> Response:
        """Check the key and open a new visit.

        After ten failures in a minute with one key, or in one browser without a key's id, answer 429.
        """
        visit = self._visits.of(request)
        try:
            fields = await self._door.read_form(request, visit)
        except StaleForm:
            return await self._form(request, 403, "That form is out of date. Try again.")
        wanted, presented = fields.get("next", ""), fields.get("key", "").strip()
        address = request.client.host if request.client else ""
        browser = visit.id if visit else ""
        named = key_id(presented)
        if wait := max(self._attempts.wait_seconds(address, who) for who in {browser, named or browser}):
            seconds = math.ceil(wait)
            problem = f"Too many failed attempts. Try again in {seconds} s."
            response = await self._form(request, 429, problem, wanted)
            response.headers["retry-after"] = str(seconds)
            return response
        try:
            key = await self._oversight.identity.identify_person(presented)
        except Unauthenticated as error:
            self._attempts.failed(address, named or browser)
            return await self._form(request, 401, f"Not signed in: {error.message}.", wanted)
        await self._end(visit)
        response = see_other(wanted if is_page(wanted) else first_tab(key))
        self._visits.keep(self._visits.open(key.id), request, response)
        return response

    async def enter_by_link(self, request: Request) -> Response:
        """Open a visit by a link that was not used yet. Without one, show the sign-in page."""
        link = self._visits.of_link(request.query_params.get("code", ""))
        keys = self._oversight.keys
        key = None if link is None else await keys.live(link.key_id, link.id)
        if link is None or key is None or not await keys.end_visit(link.id, link.until):
            over = "Not signed in: this link was used, or is too old. Sign in with a key."
            return await self._form(request, 401, over)
        await self._end(self._visits.of(request))
        response = see_other(first_tab(key))
        self._visits.keep(self._visits.open(key.id), request, response)
        return response

    async def leave(self, request: Request) -> Response:
        """End the visit on the server, for every copy of its cookie, and delete the cookie."""
        visit = self._visits.of(request)
        await self._door.read_form(request, visit)
        await self._end(visit)
        response = see_other("/console/login")
        self._visits.forget(response)
        return response

    async def _end(self, visit: Visit | None) -> None:
        if visit is not None and visit.key_id:
            await self._oversight.keys.end_visit(visit.id, visit.until)

    async def _form(
        self, request: Request, status: int = 200, problem: str = "", wanted: str = ""
    ) -> Response:
        visit = self._visits.of(request) or self._visits.open()
        response = await self._templates.answer(
            "login.html",
            status,
            token=self._visits.form_token(visit),
            problem=problem,
            wanted=wanted if is_page(wanted) else "",
        )
        self._visits.keep(visit, request, response)
        return response
