"""The console, over HTTP as a browser without JavaScript uses it."""

from __future__ import annotations

import base64
import html
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gateway.config.server_key import ServerKey
from gateway.http.console import console_routes
from gateway.http.console.attempts import FAILURES, Attempts
from gateway.http.console.rendering import masked, shown, until
from gateway.http.console.visits import COOKIE, LIFE_SECONDS, Visits
from gateway.state import Keys
from tests.support.desk import Desk, open_desk

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> \u202egnp.exe <EMAIL_ADDRESS_abc234>'


class Browser:
    """A person at the pages: keeps cookies, fills in forms with the token that they carry."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def see(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path, follow_redirects=True)
        assert answer.status_code == status, answer.text
        return answer.text

    async def sign_in(self, key: str, **fields: str) -> httpx.Response:
        page = await self.see("/console/login")
        form = {"token": token(page), "key": key, **fields}
        return await self.client.post("/console/login", data=form)

    async def decide(self, approval_id: str, verdict: str, note: str = "") -> httpx.Response:
        path = f"/console/approvals/{approval_id}"
        form = {"token": token(await self.see("/console/approvals")), "verdict": verdict, "note": note}
        return await self.client.post(path, data=form)


def token(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def browser(desk: Desk) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(Starlette(routes=console_routes(desk.oversight, desk.secret)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield Browser(client)


async def test_a_person_signs_in_decides_and_signs_out(desk: Desk, browser: Browser) -> None:
    asking, _ = desk.key("ana", "agent", agent="coder")
    _, key = desk.key("bob")
    waiting = await desk.ask(asking, "user: mail <EMAIL_ADDRESS_abc234>")
    answer = await browser.sign_in(key)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/approvals")
    page = await browser.see("/console/approvals")
    for text in ("coder", "30 personal values", "<mark>&lt;EMAIL_ADDRESS_abc234&gt;</mark>", "minutes left"):
        assert text in page
    page = await browser.see(f"/console/approvals/{waiting.id}")
    assert "SOC2:CC6.7" in page
    answer = await browser.decide(waiting.id, "approve", "ticket 7\r\n")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/approvals/{waiting.id}")
    page = await browser.see(answer.headers["location"])
    assert "ticket 7" in page
    assert 'value="approve"' not in page
    decided = await desk.oversight.approvals.read(waiting.id)
    assert decided is not None
    assert (decided.status, decided.approvers, decided.note) == ("approved", ("bob",), "ticket 7")
    left = await browser.client.post("/console/logout", data={"token": token(page)})
    assert left.headers["location"] == "/console/login"
    assert COOKIE not in browser.client.cookies
    assert "Sign in" in await browser.see("/console/approvals")


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


async def test_a_revoked_key_ends_its_visits_at_once(desk: Desk, browser: Browser) -> None:
    row, key = desk.key("bob")
    await browser.sign_in(key)
    assert "Waiting for people" in await browser.see("/console/approvals")
    Keys(desk.state).revoke(row.id, time.time())
    answer = await browser.client.get("/console/approvals")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login?next=/console/approvals")


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


async def test_agents_and_strangers_stay_outside(desk: Desk, browser: Browser) -> None:
    _, agent = desk.key("ana", "agent")
    for key in (agent, "rg_nonsense", ""):
        answer = await browser.sign_in(key)
        assert answer.status_code == 401
        assert "Not signed in" in answer.text
        assert (await browser.client.get("/console/approvals")).status_code == 303


async def test_sign_in_leads_back_to_a_page_of_the_console_and_nowhere_else(
    desk: Desk, browser: Browser
) -> None:
    _, key = desk.key("bob")
    answer = await browser.client.get("/console/approvals/ap_1")
    assert answer.headers["location"] == "/console/login?next=/console/approvals/ap_1"
    assert 'name="next" value="/console/approvals/ap_1"' in await browser.see(answer.headers["location"])
    for wanted in (
        "https://evil.example/",
        "//evil.example",
        "/console/../x",
        "/openai/v1",
        "/console/a\r\nb",
    ):
        answer = await browser.sign_in(key, next=wanted)
        assert answer.headers["location"] == "/console/approvals"
        browser.client.cookies.clear()
    answer = await browser.sign_in(key, next="/console/approvals/ap_1")
    assert answer.headers["location"] == "/console/approvals/ap_1"


async def test_a_form_without_its_token_counts_for_nothing(desk: Desk, browser: Browser) -> None:
    asking, _ = desk.key("ana", "agent")
    _, key = desk.key("bob")
    waiting = await desk.ask(asking)
    old = token(await browser.see("/console/login"))
    assert (
        await browser.client.post("/console/login", data={"token": "0" * 64, "key": key})
    ).status_code == 403
    await browser.sign_in(key)
    path = f"/console/approvals/{waiting.id}"
    for form in ({}, {"token": ""}, {"token": old}, {"token": "é"}):
        answer = await browser.client.post(path, data={"verdict": "approve", **form})
        assert answer.status_code == 403, form
    own = {"token": token(await browser.see("/console/approvals")), "verdict": "approve"}
    foreign = await browser.client.post(path, data=own, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await browser.client.post("/console/logout", data={"a": "b"})).status_code == 403
    assert (await browser.client.post(path, json=own)).status_code == 415
    assert (await browser.client.post(path, data=own | {"note": "x" * 70_000})).status_code == 413
    assert (await browser.client.post(path, data=own | {"verdict": "maybe"})).status_code == 422
    still = await desk.oversight.approvals.read(waiting.id)
    assert still is not None
    assert still.status == "pending"


async def test_guessing_is_slowed_down_and_ends_no_visit(desk: Desk, browser: Browser) -> None:
    _, key = desk.key("bob")
    for _ in range(FAILURES):
        assert (await browser.sign_in("rg_guess")).status_code == 401
    answer = await browser.sign_in(key)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_attempts_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    for _ in range(FAILURES):
        attempts.failed("2001:db8::1")
    assert attempts.wait_seconds("2001:db8::ffff") == 60  # the same machine's network
    assert attempts.wait_seconds("2001:db8:1::1") == 0
    clock[0] = 61.0
    assert attempts.wait_seconds("2001:db8::1") == 0


async def test_a_verdict_that_does_not_count_keeps_the_note(desk: Desk, browser: Browser) -> None:
    asking, _ = desk.key("ana", "agent")
    _, key = desk.key("Ana")
    waiting = await desk.ask(asking)
    await browser.sign_in(key)
    page = await browser.see(f"/console/approvals/{waiting.id}")
    assert "somebody else has to decide" in page
    answer = await browser.decide(waiting.id, "approve", "let me")
    assert answer.status_code == 403
    assert "Not counted" in answer.text
    browser.client.cookies.clear()
    await browser.sign_in(desk.key("bob")[1])
    assert (await browser.decide(waiting.id, "deny")).status_code == 303
    again = await browser.decide(waiting.id, "approve")
    assert again.status_code == 409
    assert "is denied" in again.text
    assert (await browser.decide("ap_none", "approve")).status_code == 404


async def test_each_role_finds_its_own_pages(desk: Desk, browser: Browser) -> None:
    allowed = {
        "approver": ["/console/approvals"],
        "auditor": ["/console/exchanges", "/console/policy"],
        "admin": ["/console/approvals", "/console/exchanges", "/console/policy"],
    }
    for role, pages in allowed.items():
        answer = await browser.sign_in(desk.key("bob", role)[1])  # type: ignore[arg-type]  # one of the roles
        assert answer.headers["location"] == pages[0]
        for path in allowed["admin"]:
            page = await browser.see(path, 200 if path in pages else 403)
            if path in pages:
                assert re.findall(r'<a href="(/console/\w+)"[^>]*>\w+</a>\n', page) == pages
        browser.client.cookies.clear()


async def test_pages_without_anything_say_what_to_do(desk: Desk, browser: Browser) -> None:
    await browser.sign_in(desk.key("root", "admin")[1])
    assert "Nothing waits" in await browser.see("/console/approvals")
    assert "No exchange is recorded" in await browser.see("/console/exchanges")
    assert "The engine is not ready" in await browser.see("/console/policy")
    await desk.oversight.policies.start()
    assert "in force" in await browser.see("/console/policy")
    assert "there is no such exchange" in await browser.see("/console/exchanges/ex_none", 404)
    assert "there is no such approval" in await browser.see("/console/approvals/ap_none", 404)
    await browser.see("/console/nothing", 404)


async def test_exchanges_show_what_was_said_and_decided(desk: Desk, browser: Browser) -> None:
    await desk.exchange("ex_1", "Write to <EMAIL_ADDRESS_abc234>", "Dear friend")
    await browser.sign_in(desk.key("erin", "auditor")[1])
    page = await browser.see("/console/exchanges")
    for text in ("coder", "gpt-4o", "masked", "Bulk export", "completed", "12.5 ms"):
        assert text in page
    assert "No exchange is recorded for this session" in html.unescape(
        re.sub(r"<[^>]+>", "", await browser.see("/console/exchanges?session=se_none"))
    )
    page = await browser.see("/console/exchanges/ex_1")
    for text in ("<mark>&lt;EMAIL_ADDRESS_abc234&gt;</mark>", "Dear friend", "4.5 ms", "EMAIL_ADDRESS ×2"):
        assert text in page


async def test_hostile_text_stays_text(desk: Desk, browser: Browser) -> None:
    asking, _ = desk.key("<b>ana</b>", "agent", agent="<i>coder</i>")
    waiting = await desk.ask(asking, HOSTILE)
    await desk.exchange("ex_1", HOSTILE, HOSTILE, agent="<i>coder</i>", model="<script>m</script>")
    await browser.sign_in(desk.key("<u>root</u>", "admin")[1])
    pages = ["approvals", f"approvals/{waiting.id}", "exchanges", "exchanges/ex_1", "exchanges?session=<s>"]
    for path in pages:
        page = await browser.see(f"/console/{path}")
        scripts = re.findall(r"<script[^>]*>", page)
        assert set(scripts) <= {'<script src="/console/static/live.js" defer>'}
        assert not re.search(r"<(img src=x|i>|b>ana|u>|s>)|\u202e", page)
        assert not re.search(r"\son\w+=|style=|javascript:", re.sub(r">[^<]*<", "><", page))
    assert "⟨U+202E⟩gnp.exe" in await browser.see("/console/exchanges/ex_1")


async def test_every_answer_forbids_what_pages_do_not_need(desk: Desk, browser: Browser) -> None:
    await browser.sign_in(desk.key("root", "admin")[1])
    paths = [
        "",
        "/",
        "/login",
        "/approvals",
        "/exchanges",
        "/policy",
        "/nothing",
        "/static/console.css",
        "/static/x",
    ]
    for path in paths:
        answer = await browser.client.get(f"/console{path}")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    wrong = await browser.client.put("/console/approvals")
    assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


async def test_static_files_are_the_few_that_pages_name(browser: Browser) -> None:
    types = {"console.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
    for name, media_type in types.items():
        answer = await browser.client.get(f"/console/static/{name}")
        assert answer.headers["content-type"].startswith(media_type)
        assert not re.search(rb"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", answer.content)
    for name in ("..%2fconsole.py", "console.py", ""):
        assert (await browser.client.get(f"/console/static/{name}")).status_code == 404


async def test_a_fault_that_nobody_foresaw_tells_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(desk.oversight, policies=None)  # type: ignore[arg-type]  # a fault, on purpose
    transport = httpx.ASGITransport(Starlette(routes=console_routes(broken, desk.secret)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        browser = Browser(client)
        await browser.sign_in(desk.key("erin", "auditor")[1])
        assert "NoneType" not in await browser.see("/console/policy", 500)
    assert "unforeseen fault" in caplog.text


@given(st.text())
def test_shown_text_hides_nothing_and_marked_text_is_the_same(text: str) -> None:
    plain = re.sub(r"</?mark>", "", str(masked(text)))
    assert html.unescape(plain) == html.unescape(html.escape(shown(text)))
    assert "<" not in plain
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", shown(text))


def test_time_left_is_said_in_words() -> None:
    assert [until(left, 0) for left in (0, 1, 59, 60, 7200, 86_400)] == [
        "no time left",
        "1 second left",
        "59 seconds left",
        "1 minute left",
        "2 hours left",
        "1 day left",
    ]


def test_form_tokens_belong_to_one_visit() -> None:
    visits = Visits(ServerKey(bytes(32)))
    one, other = visits.open(), visits.open("k")
    assert visits.is_own_form(one, visits.form_token(one))
    assert not visits.is_own_form(other, visits.form_token(one))
    assert not visits.is_own_form(one, "")
