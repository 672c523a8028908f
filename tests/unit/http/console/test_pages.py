"""The pages, over HTTP as a browser without JavaScript uses them."""

from __future__ import annotations

import html
import re

from gateway.http.console.visits import COOKIE
from tests.support.browser import Browser, token
from tests.support.desk import Desk

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> \u202egnp.exe <EMAIL_ADDRESS_abc234>'


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


async def test_a_verdict_that_does_not_count_keeps_the_note(desk: Desk, browser: Browser) -> None:
    asking, _ = desk.key("ana", "agent")
    _, key = desk.key("Ana")
    waiting = await desk.ask(asking)
    await browser.sign_in(key)
    page = await browser.see(f"/console/approvals/{waiting.id}")
    assert "another person has to decide" in page
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


async def test_pages_without_anything_say_what_to_do(desk: Desk, browser: Browser) -> None:
    await browser.sign_in(desk.key("root", "admin")[1])
    assert "Nothing pending" in await browser.see("/console/approvals")
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
