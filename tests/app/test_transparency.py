"""Clients and providers get what they would get without the gateway, but for what a page lists."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from gateway.config import load_config
from gateway.http.app import create_app, open_worker
from gateway.identity import create_key
from tests.support.answer_forms import answers
from tests.support.differences import of_answer, of_request
from tests.support.prefork import ROOT
from tests.support.request_forms import requests
from tests.support.served import RawProvider, Reply, Sent, raw_provider, send, served
from tests.support.wires import FAMILIES

SECRET = "sk-of-the-provider"
PAGE = ROOT / "docs" / "reference" / "transparency.md"
NAME = re.compile(r"^- \*\*(.+?)\*\*: ", re.MULTILINE)
DONE = Reply(200, [("content-type", "application/json")], [b'{"ok":true}'])


@asynccontextmanager
async def opened(folder: Path, provider: RawProvider) -> AsyncIterator[tuple[str, str]]:
    """Open a gateway whose policy allows all; return its address, and a key."""
    policy = folder / "policy"
    policy.mkdir()
    (policy / "main.rego").write_text('package regate\n\ndecision := {"action": "allow"}\n')
    told = {"base_url": provider.url, "credential": "env:UPSTREAM_KEY"}
    config = {
        "listen": "127.0.0.1:0",
        "providers": {name: {"family": name, **told} for name in FAMILIES},
        "policy": {"engine": "embedded", "path": str(policy)},
        "audit": {"path": "audit"},
        "state": "sqlite:///state/regate.db",
    }
    file = folder / "regate.yaml"
    file.write_text(yaml.safe_dump(config))
    loaded = load_config(file)
    async with open_worker(loaded) as worker:
        _, key = create_key(worker.keys, agent="agent", owner="ana", now=time.time())
        async with served(create_app(loaded, worker)) as url:
            yield url, key


def listed(heading: str) -> set[str]:
    """Return the names of the differences that the page lists."""
    return set(NAME.findall(PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]))


def direct(sent: Sent) -> Sent:
    """Return a request as it would be sent without a gateway."""
    return Sent(sent.method, "/" + sent.target[1:].partition("/")[2], sent.headers, sent.body)


def with_key(sent: Sent, key: str) -> Sent:
    return Sent(sent.method, sent.target, [*sent.headers, ("authorization", f"Bearer {key}")], sent.body)


async def test_what_differs_is_listed_and_what_is_listed_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", SECRET)
    async with raw_provider() as provider, opened(tmp_path, provider) as (url, key):
        assert await of_answers(provider, url, key) == listed("Answers")
        assert await of_requests(provider, url, key) == listed("Requests")


async def of_answers(provider: RawProvider, url: str, key: str) -> set[str]:
    """Return the differences between answers; an unknown one raises AssertionError."""
    found, count = set[str](), 0
    for count, case in enumerate(answers(), 1):  # noqa: B007 - how many there were
        provider.reply = case.reply
        expected = await send(provider.url, direct(case.sent))
        found.update(of_answer(case, expected, await send(url, with_key(case.sent, key))))
    assert count > 150
    return found


async def of_requests(provider: RawProvider, url: str, key: str) -> set[str]:
    """Return the differences between requests; an unknown one raises AssertionError."""
    found, count = set[str](), 0
    provider.reply = DONE
    for count, (name, sent) in enumerate(requests(), 1):  # noqa: B007 - how many there were
        await send(provider.url, direct(sent))
        plain, provider.got = provider.got, None
        answer = await send(url, with_key(sent, key))
        assert plain is not None
        assert provider.got is not None, (name, answer)
        try:
            found.update(of_request(sent, plain, provider.got, secret=SECRET))
        except AssertionError as error:
            raise AssertionError(f"{name}: {plain} {provider.got}") from error
    assert count > 60
    return found
