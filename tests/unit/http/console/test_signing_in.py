"""Sign-in takes the keys of people, slows guessing down, and leads to pages of the console only."""

from __future__ import annotations

import time

from gateway.config import ServerKey
from gateway.http.console import sign_in_path
from gateway.http.console.attempts import FAILURES
from gateway.http.console.visits import COOKIE, LINK_SECONDS, Visits
from tests.support.browser import Browser
from tests.support.desk import Desk


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


async def test_guessing_is_slowed_down_and_ends_no_visit(desk: Desk, browser: Browser) -> None:
    _, key = desk.key("bob")
    for _ in range(FAILURES):
        assert (await browser.sign_in("rg_guess")).status_code == 401
    answer = await browser.sign_in(key)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_a_link_signs_in_once_for_as_long_as_it_and_its_key_are_good(
    desk: Desk, browser: Browser
) -> None:
    row, _ = desk.key("bob")
    path = sign_in_path(desk.secret, row.id)
    answer = await browser.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/approvals")
    assert "bob" in await browser.see("/console/approvals")
    browser.client.cookies.clear()

    late = Visits(desk.secret, now=lambda: time.time() - LINK_SECONDS - 1).link(row.id)
    revoked, _ = desk.key("eve")
    link_of_revoked = sign_in_path(desk.secret, revoked.id)
    await desk.oversight.keys.revoke(row, revoked.id)
    cookie = Visits(desk.secret)._encrypted(Visits(desk.secret).open(row.id), b"console visit 1")
    for wrong in (
        path,
        f"/console/enter?code={late}",
        link_of_revoked,
        sign_in_path(ServerKey(b"x" * 32), row.id),
        f"/console/enter?code={cookie}",
        "/console/enter?code=",
        "/console/enter",
    ):
        answer = await browser.client.get(wrong)
        assert (answer.status_code, "Sign in with a key" in answer.text) == (401, True), wrong
        assert (await browser.client.get("/console/approvals")).status_code == 303


async def test_a_link_is_no_cookie(desk: Desk, browser: Browser) -> None:
    row, _ = desk.key("bob")
    browser.client.cookies.set(COOKIE, Visits(desk.secret).link(row.id), path="/console")
    assert (await browser.client.get("/console/approvals")).status_code == 303


async def test_a_browser_at_the_root_is_led_to_the_console(browser: Browser) -> None:
    answer = await browser.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
