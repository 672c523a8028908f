"""What an attacker wanted: a visit that outlives its end, another address than theirs, others locked out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.http.console import console_routes
from gateway.http.console.attempts import FAILURES
from gateway.http.console.visits import COOKIE
from gateway.http.forwarded import Forwarded
from tests.support.desk import Desk, open_desk

PROXY = "10.0.0.2"
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1"), ip_network("2001:db8::/32"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


def start(desk: Desk) -> ASGIApp:
    """One worker's pages, behind trusted proxies."""
    return Forwarded(Starlette(routes=console_routes(desk.oversight, desk.secret)), TRUSTED)


@pytest.fixture
def worker(desk: Desk) -> ASGIApp:
    return start(desk)


class Browser:
    """A browser of its own behind an address."""

    def __init__(self, worker: ASGIApp, peer: str = PROXY, scheme: str = "http", **headers: str) -> None:
        transport = httpx.ASGITransport(worker, client=(peer, 1))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.client = httpx.AsyncClient(transport=transport, base_url=f"{scheme}://gateway", headers=named)

    async def form(self, path: str) -> dict[str, str]:
        page = await self.client.get(path)
        token = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
        assert token, page.text
        return {"token": token[1]}

    async def sign_in(self, key: str) -> httpx.Response:
        return await self.client.post("/console/login", data=await self.form("/console/login") | {"key": key})

    async def sees(self, path: str = "/console/approvals") -> bool:
        return (await self.client.get(path)).status_code == 200


async def test_a_copied_cookie_does_not_outlive_signing_out(desk: Desk, worker: ASGIApp) -> None:
    """Every copy of the cookie is dead once its owner has signed out, in every worker."""
    browser, thief = Browser(worker), Browser(worker)
    await browser.sign_in(desk.key("bob")[1])
    thief.client.cookies.set(COOKIE, browser.client.cookies[COOKIE])
    assert await thief.sees()
    out = await browser.client.post("/console/logout", data=await browser.form("/console/approvals"))
    assert out.status_code == 303
    assert not await thief.sees()
    another_worker = Browser(start(desk))
    another_worker.client.cookies.set(COOKIE, thief.client.cookies[COOKIE])
    assert not await another_worker.sees()
    await browser.sign_in(desk.key("bob")[1])
    assert await browser.sees()


async def test_a_visit_ends_when_its_browser_signs_in_anew(desk: Desk, worker: ASGIApp) -> None:
    """The cookie of the visit before is dead too."""
    browser, thief = Browser(worker), Browser(worker)
    await browser.sign_in(desk.key("bob")[1])
    thief.client.cookies.set(COOKIE, browser.client.cookies[COOKIE])
    await browser.sign_in(desk.key("carol")[1])
    assert not await thief.sees()
    assert await browser.sees()


async def test_one_visit_that_ends_ends_no_other(desk: Desk, worker: ASGIApp) -> None:
    """Signing out in one browser leaves the same person's other browser alone."""
    key = desk.key("bob")[1]
    first, second = Browser(worker), Browser(worker)
    await first.sign_in(key)
    await second.sign_in(key)
    await first.client.post("/console/logout", data=await first.form("/console/approvals"))
    assert await second.sees()


@pytest.mark.parametrize("garbage", [True, False])
async def test_one_person_who_fails_does_not_lock_out_others_behind_one_address(
    desk: Desk, worker: ASGIApp, garbage: bool
) -> None:
    """Ten bad sign-ins end that person's attempts for a while, and no one else's."""
    mallory = Browser(worker)
    bad = "rg_guess" if garbage else desk.key("mallory")[1][:-4] + "aaaa"
    for _ in range(FAILURES):
        assert (await mallory.sign_in(bad)).status_code == 401
    assert (await mallory.sign_in(bad)).status_code == 429
    bob = Browser(worker)
    assert (await bob.sign_in(desk.key("bob")[1])).status_code == 303


async def test_a_new_browser_is_no_new_chance_to_guess_a_key(desk: Desk, worker: ASGIApp) -> None:
    """Guesses at one key count together, whatever cookies come with them."""
    bad = desk.key("bob")[1][:-4] + "aaaa"
    for _ in range(FAILURES):
        assert (await Browser(worker).sign_in(bad)).status_code == 401
    assert (await Browser(worker).sign_in(bad)).status_code == 429


@pytest.mark.parametrize(
    ("peer", "scheme", "proto", "secure"),
    [
        (PROXY, "http", "https", True),
        (PROXY, "http", "HTTPS", True),
        (PROXY, "https", "http", False),
        (PROXY, "https", "gopher", True),
        (PROXY, "http", "https, http", False),
        ("192.0.2.7", "http", "https", False),  # nobody's proxy
        ("192.0.2.7", "https", "http", True),
    ],
)
async def test_only_a_trusted_proxy_says_whether_a_connection_is_encrypted(
    worker: ASGIApp, peer: str, scheme: str, proto: str, secure: bool
) -> None:
    """The cookie is marked Secure behind TLS, and a stranger's header changes nothing."""
    browser = Browser(worker, peer, scheme, x_forwarded_proto=proto)
    assert ("Secure" in (await browser.client.get("/console/login")).headers["set-cookie"]) == secure


ADDRESSES = [
    (PROXY, "203.0.113.9", "203.0.113.9"),
    (PROXY, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
    (PROXY, "6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
    (PROXY, "10.9.9.9", "10.9.9.9"),
    (PROXY, "203.0.113.9:4711", "203.0.113.9"),
    (PROXY, "[2001:db9::7]:443", "2001:db9::7"),
    (PROXY, "6.6.6.6, [2001:db8::7]", "6.6.6.6"),
    (PROXY, "::ffff:203.0.113.9", "203.0.113.9"),
    (PROXY, "6.6.6.6, unknown", PROXY),
    (PROXY, "6.6.6.6, unknown, 10.1.1.1", "10.1.1.1"),
    (PROXY, "", PROXY),
    ("::ffff:10.0.0.2", "203.0.113.9", "203.0.113.9"),
    ("192.0.2.7", "6.6.6.6", "192.0.2.7"),
    ("testclient", "6.6.6.6", "testclient"),
]


@pytest.mark.parametrize(("peer", "header", "address"), ADDRESSES)
async def test_a_caller_cannot_choose_their_address(peer: str, header: str, address: str) -> None:
    """The right-most address that is no proxy's counts, and only behind a proxy."""
    assert await seen(peer, [header]) == address


@given(st.lists(st.sampled_from(["6.6.6.6", "10.0.0.9", "x", "", "::1", "1.1.1.1, 2.2.2.2"]), max_size=5))
async def test_nothing_that_a_caller_writes_hides_what_the_proxy_adds(written: list[str]) -> None:
    """Whatever stands to the left, the address that the trusted proxy appended is the caller's."""
    assert await seen(PROXY, [*written, "203.0.113.9"]) == "203.0.113.9"


async def test_without_proxies_in_the_configuration_no_header_counts() -> None:
    """By default every peer is itself."""
    assert await seen("127.0.0.1", ["6.6.6.6"], trusted=()) == "127.0.0.1"


async def seen(peer: str, lines: list[str], trusted: Any = TRUSTED) -> str:
    """The address that an endpoint sees when these header lines come."""

    async def tell(request: Request) -> JSONResponse:
        assert request.client
        return JSONResponse(request.client.host)

    app = Forwarded(Starlette(routes=[Route("/", tell)]), trusted)
    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        headers = [("x-forwarded-for", line) for line in lines]
        return str((await http.get("/", headers=headers)).json())
