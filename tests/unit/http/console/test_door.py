"""No page without a live key, no form without the token of its visit."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http.console import console_routes
from gateway.state import Keys
from tests.support.browser import Browser, token
from tests.support.desk import Desk


async def test_a_revoked_key_ends_its_visits_at_once(desk: Desk, browser: Browser) -> None:
    row, key = desk.key("bob")
    await browser.sign_in(key)
    assert "Pending" in await browser.see("/console/approvals")
    Keys(desk.state).revoke(row.id, time.time())
    answer = await browser.client.get("/console/approvals")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login?next=/console/approvals")


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


async def test_an_unforeseen_fault_tells_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    broken = replace(desk.oversight, policies=None)  # type: ignore[arg-type]  # a fault, on purpose
    transport = httpx.ASGITransport(Starlette(routes=console_routes(broken, desk.secret)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        browser = Browser(client)
        await browser.sign_in(desk.key("erin", "auditor")[1])
        assert "NoneType" not in await browser.see("/console/policy", 500)
    assert "unforeseen fault" in caplog.text
