"""How a request went up is on record; what it went up with is nowhere."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.application import Opened, Running
from tests.support.scripted import completion
from tests.support.sites import always, only, site

SECRETS = {"FIRST": "sk-first-0123456789abcdef", "SECOND": "sk-second-0123456789abcdef"}
IN_FILE = "sk-in-a-file-0123456789abcdef"
BY_COMMAND = "sk-by-a-command-0123456789abcdef"
DEAD = "http://127.0.0.1:1"


def records(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((folder / "audit/journal").glob("*.ndjson")):
        yield from map(json.loads, file.read_text().splitlines())


def closing(folder: Path, answer: httpx.Response) -> dict[str, Any]:
    """Return the closing record of an exchange."""
    named = answer.headers["x-regate-exchange-id"]
    found = [one for one in records(folder) if one.get("exchange_id") == named]
    return next(one for one in found if one["kind"] in ("completion", "refusal"))


def everything_in(folder: Path, *besides: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file() and one not in besides)


async def ask(running: Running, provider: str) -> httpx.Response:
    return await running.ask("hello", f"{provider}/v1/chat/completions")


async def test_attempts_are_on_record_and_no_secret_is_anywhere(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.upstream.credentials._LOOK_SECONDS", 0)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    key, token = tmp_path / "key", tmp_path / "token"
    key.write_text(IN_FILE)
    token.write_text(json.dumps({"token": BY_COMMAND, "expires_at": "2099-01-01T00:00:00Z"}))
    both = [
        {"credential": f"env:{name}", "weight": weight} for name, weight in (("FIRST", 1000), ("SECOND", 1))
    ]
    shared: dict[str, Any] = {"family": "openai"}
    with caplog.at_level(logging.DEBUG):
        async with site(only(SECRETS["SECOND"], 429)) as busy, site(only("none")) as strict:
            providers = {
                "busy": {**shared, "base_url": busy.url, "credentials": both},
                "filed": {**shared, "base_url": strict.url, "credential": f"file:{key}"},
                "asked": {**shared, "base_url": strict.url, "credential": f"exec:cat {token}"},
                "failing": {**shared, "base_url": strict.url, "credential": "exec:false"},
                "dead": {**shared, "base_url": DEAD, "deployments": [{"base_url": "http://127.0.0.1:2"}]},
            }
            async with opened(providers=providers) as running:
                answers = {name: await ask(running, name) for name in providers}
                key.write_text("")
                answers["emptied"] = await ask(running, "filed")
                metrics = (await running.http.get("/metrics")).text
                strict_before = len(strict.keys)
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == {"busy": 200, "filed": 401, "asked": 401, "failing": 502, "dead": 502, "emptied": 502}
    assert strict_before == 2  # nothing went up without a credential
    assert busy.keys == [SECRETS["FIRST"], SECRETS["SECOND"]]
    assert strict.keys == [IN_FILE, BY_COMMAND]
    said = {name: closing(tmp_path, answer) for name, answer in answers.items()}
    attempts = {
        name: [
            (one["deployment"], one["credential"], one["status"])
            for one in record["body"].get("attempts", [])
        ]
        for name, record in said.items()
    }
    at = busy.url.removeprefix("http://")
    assert attempts["busy"] == [(at, "env:FIRST", 429), (at, "env:SECOND", 200)]
    assert sorted(place for place, _, _ in attempts["dead"]) == ["127.0.0.1:1", "127.0.0.1:2"]
    assert [one[1:] for one in attempts["failing"]] == [("exec:false", 0)]
    assert (attempts["filed"], attempts["emptied"]) == ([], [])
    for name in ("failing", "dead", "emptied"):
        assert said[name]["code"] == "upstream_unavailable"
    assert 'regate_provider_credential_refused{credential="exec:cat' in metrics
    assert f'regate_provider_attempts_total{{deployment="{at}",ended="429",provider="busy"}} 1.0' in metrics
    told = "\n".join([caplog.text, metrics, *(f"{one.text}{one.headers}" for one in answers.values())])
    kept = everything_in(tmp_path, token)
    for secret in (*SECRETS.values(), IN_FILE, BY_COMMAND):
        assert secret not in told
        assert secret.encode() not in kept


async def test_nothing_is_lost_while_credentials_and_deployments_change(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both keys hold while they are rotated, one deployment ends its service, and another one begins it."""
    monkeypatch.setattr("gateway.upstream.credentials._LOOK_SECONDS", 0)
    key, draft = tmp_path / "key", tmp_path / "draft"
    key.write_text("key-0")
    told = json.dumps(completion({"content": "Done."}))
    statuses: list[int] = []

    async def load(running: Running, count: int) -> None:
        path = "p/v1/chat/completions"  # each is a session of its own
        answers = await asyncio.gather(*(running.ask(f"hello {one}", path) for one in range(count)))
        statuses.extend(answer.status_code for answer in answers)

    async with AsyncExitStack() as kept, AsyncExitStack() as ending:
        first = await ending.enter_async_context(site(always()))
        second = await kept.enter_async_context(site(always()))
        first.says = second.says = told
        places = {"base_url": first.url, "deployments": [{"base_url": second.url}]}
        provider = {"family": "openai", "credential": f"file:{key}", **places}
        running = await kept.enter_async_context(opened(providers={"p": provider}))
        for number in range(1, 4):
            await load(running, 4)
            loading = asyncio.create_task(load(running, 20))
            await asyncio.sleep(0)
            draft.write_text(f"key-{number}")
            draft.replace(key)
            await loading
        loading = asyncio.create_task(load(running, 24))
        await ending.aclose()  # it answers what it has taken
        await loading
        await load(running, 12)
        port = int(first.url.rpartition(":")[2])
        again = await kept.enter_async_context(site(always(), port=port))
        again.says = told
        await load(running, 12)
    assert statuses == [200] * 120
    assert first.keys
    assert second.keys
    assert {*first.keys, *second.keys, *again.keys} == {f"key-{number}" for number in range(4)}
