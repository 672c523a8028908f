"""Sign-in takes the keys of people, slows guessing down, and leads to pages of the console only."""

from __future__ import annotations

from gateway.http.console.attempts import FAILURES
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
