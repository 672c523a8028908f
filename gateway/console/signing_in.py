"""Signing in with a key and out again."""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import Response

from gateway.console.attempts import Attempts
from gateway.console.door import Door, StaleForm, first_place, is_page, see_other
from gateway.console.rendering import Templates
from gateway.console.visits import Visits
from gateway.errors import Unauthenticated
from gateway.oversight import Oversight


class SigningIn:
    """The one page that anybody may see."""

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
        """Check the key and open a visit of its own. Ten failures a minute, then an address has to wait."""
        try:
            fields = await self._door.read_form(request, self._visits.of(request))
        except StaleForm:
            return await self._form(request, 403, "That form was too old. Try again.")
        wanted = fields.get("next", "")
        address = request.client.host if request.client else ""
        if wait := self._attempts.wait_seconds(address):
            seconds = math.ceil(wait)
            problem = f"Too many failed attempts. Try again in {seconds} s."
            response = await self._form(request, 429, problem, wanted)
            response.headers["retry-after"] = str(seconds)
            return response
        try:
            key = await self._oversight.identity.identify_person(fields.get("key", "").strip())
        except Unauthenticated as error:
            self._attempts.failed(address)
            return await self._form(request, 401, f"Not signed in: {error.message}.", wanted)
        response = see_other(wanted if is_page(wanted) else first_place(key))
        self._visits.keep(self._visits.open(key.id), request, response)
        return response

    async def leave(self, request: Request) -> Response:
        await self._door.read_form(request, self._visits.of(request))
        response = see_other("/console/login")
        self._visits.forget(response)
        return response

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
