"""Every answer of the console forbids what its pages do not need."""

from __future__ import annotations

import re

from tests.support.browser import Browser
from tests.support.desk import Desk


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
