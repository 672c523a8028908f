"""The routes of the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.config import ServerKey
from gateway.http.console.attempts import Attempts
from gateway.http.console.door import Door, see_other
from gateway.http.console.pages import Pages
from gateway.http.console.rendering import HEADERS, Templates
from gateway.http.console.signing_in import SigningIn
from gateway.http.console.visits import Visits
from gateway.oversight import Oversight

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def console_routes(oversight: Oversight, key: ServerKey) -> list[BaseRoute]:
    """Return the routes to mount: everything under `/console`, errors too, is answered in HTML."""
    visits, templates = Visits(key), Templates()
    door = Door(oversight, visits, templates)
    signing_in = SigningIn(oversight, door, visits, templates, Attempts())
    pages = Pages(oversight, door)
    app = Starlette(
        routes=[
            Route("/", door.admits(pages.start)),
            Route("/login", door.guards(signing_in.form)),
            Route("/login", door.guards(signing_in.enter), methods=["POST"]),
            Route("/enter", door.guards(signing_in.enter_by_link)),
            Route("/logout", door.guards(signing_in.leave), methods=["POST"]),
            Route("/approvals", door.admits(pages.approvals)),
            Route("/approvals/{id}", door.admits(pages.approval)),
            Route("/approvals/{id}", door.admits(pages.decide), methods=["POST"]),
            Route("/exchanges", door.admits(pages.exchanges)),
            Route("/exchanges/{id}", door.admits(pages.exchange)),
            Route("/policy", door.admits(pages.policy)),
            Route("/static/{name}", _static(Path(__file__).with_name("static"))),
        ],
        exception_handlers={HTTPException: door.refuse},
    )
    app.router.redirect_slashes = False
    return [Route("/", _start), Route("/console", _start), Mount("/console", app=app)]


def sign_in_path(key: ServerKey, key_id: str) -> str:
    """Return a path of the console that signs the owner of an API key in, once and within ten minutes."""
    return f"/console/enter?code={Visits(key).link(key_id)}"


def _static(folder: Path) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for the files of a folder, which are read once."""
    files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in folder.iterdir()}

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            raise HTTPException(404)
        body, media_type = files[name]
        return Response(body, headers=HEADERS, media_type=media_type)

    return static


async def _start(_: Request) -> Response:
    return see_other("/console/")
