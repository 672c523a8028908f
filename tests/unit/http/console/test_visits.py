"""The cookie of a visit gives nothing away, and only the gateway can make one."""

from __future__ import annotations

import base64
import time

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gateway.config.server_key import ServerKey
from gateway.http.console import console_routes
from gateway.http.console.visits import COOKIE, LIFE_SECONDS, Visits
from tests.support.browser import Browser
from tests.support.desk import Desk


async def test_the_cookie_gives_nothing_away(desk: Desk, browser: Browser) -> None:
    row, key = desk.key("bob")
    answer = await browser.sign_in(key)
    header = answer.headers["set-cookie"]
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/console", f"Max-Age={LIFE_SECONDS}"):
        assert attribute in header
    value = browser.client.cookies[COOKIE].strip('"')
    opened = base64.urlsafe_b64decode(value + "==")
    for secret in (key, key.split("_")[2], row.id):
        assert secret not in header
        assert secret.encode() not in opened


async def test_the_cookie_is_for_encrypted_connections_where_there_are_some(desk: Desk) -> None:
    transport = httpx.ASGITransport(Starlette(routes=console_routes(desk.oversight, desk.secret)))
    for scheme in ("http", "https"):
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://gateway") as client:
            header = (await client.get("/console/login")).headers["set-cookie"]
            assert ("Secure" in header) == (scheme == "https")


async def test_a_cookie_that_was_changed_or_is_over_opens_nothing(desk: Desk, browser: Browser) -> None:
    row, key = desk.key("bob")
    await browser.sign_in(key)
    good = browser.client.cookies[COOKIE].strip('"')
    late = Visits(desk.secret, now=lambda: time.time() - LIFE_SECONDS - 1)
    foreign = Visits(ServerKey(b"x" * 32))
    for value in (
        good[:-6] + "AAAAAA",
        "",
        "x",
        "é".encode().hex(),
        good * 20,
        cookie(late, row.id),
        cookie(foreign, row.id),
    ):
        browser.client.cookies.clear()
        answer = await browser.client.get("/console/policy", headers={"cookie": f"{COOKIE}={value}"})
        assert answer.status_code == 303, value
    ours = await browser.client.get(
        "/console/approvals", headers={"cookie": f"{COOKIE}={cookie(Visits(desk.secret), row.id)}"}
    )
    assert ours.status_code == 200


def cookie(visits: Visits, key_id: str) -> str:
    response = Response()
    request = Request({"type": "http", "scheme": "http", "path": "/", "headers": [], "server": ("x", 80)})
    visits.keep(visits.open(key_id), request, response)
    return response.headers["set-cookie"].partition(";")[0].partition("=")[2].strip('"')


def test_form_tokens_belong_to_one_visit() -> None:
    visits = Visits(ServerKey(bytes(32)))
    one, other = visits.open(), visits.open("k")
    assert visits.is_own_form(one, visits.form_token(one))
    assert not visits.is_own_form(other, visits.form_token(one))
    assert not visits.is_own_form(one, "")
