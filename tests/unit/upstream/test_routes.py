"""A request goes on to the next attempt only where nothing was served, over real sockets."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Provider
from gateway.errors import UpstreamTimeout, UpstreamUnavailable
from gateway.upstream import UpstreamRequest, Upstreams, open_session
from gateway.upstream.routes import Health
from tests.support.sites import always, only, site

DEAD = "http://127.0.0.1:1"


class Told:
    """Keeps what was counted."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, bool]] = []

    def attempted(self, provider: str, deployment: str, ended: str) -> None:
        pass

    def refused(self, provider: str, credential: str, *, refused: bool) -> None:
        self.refusals.append((credential, refused))


@asynccontextmanager
async def upstreams(settings: Mapping[str, Any], told: Told | None = None) -> AsyncIterator[Upstreams]:
    provider = msgspec.convert({"family": "openai", **settings}, Provider)
    async with open_session(2, 2) as session:
        yield Upstreams({"p": provider}, session, Path(), told or Told())


async def ask(found: Upstreams, session: str = "s") -> tuple[int, UpstreamRequest]:
    request = UpstreamRequest("POST", "/v1/x", "", {}, b"{}", session)
    response = await found.find("p").transport.send(request)
    await response.close()
    return response.status, request


def keys(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[dict[str, Any]]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return [{"credential": f"env:{name}"} for name in values]


async def test_after_a_429_the_next_credential_is_tried_and_the_first_one_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = keys(monkeypatch, A="key-a", B="key-b")
    async with (
        site(only("key-b", 429)) as one,
        upstreams({"base_url": one.url, "credentials": both}) as found,
    ):
        statuses = [await ask(found, f"s{n}") for n in range(20)]
    assert {status for status, _ in statuses} == {200}
    assert one.keys.count("key-a") == 1  # then it rests
    (rested,) = [request for _, request in statuses if len(request.trail.attempts) == 2]
    assert [(a.credential, a.status) for a in rested.trail.attempts] == [("env:A", 429), ("env:B", 200)]
    assert rested.trail.secret == "key-b"


async def test_a_refused_credential_is_told_once_by_its_reference(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    both, told = keys(monkeypatch, A="key-a", B="key-b"), Told()
    with caplog.at_level(logging.WARNING, "regate.upstream"):
        async with (
            site(only("key-b")) as one,
            upstreams({"base_url": one.url, "credentials": both}, told) as found,
        ):
            assert {(await ask(found, f"s{n}"))[0] for n in range(20)} == {200}
    assert one.keys.count("key-a") == 1
    assert told.refusals == [("env:A", True)]
    assert "provider p refuses its credential env:A" in caplog.text
    assert "key-a" not in caplog.text


@pytest.mark.parametrize(
    ("error", "refused"),
    [("ExpiredTokenException:http://x", True), ("AccessDeniedException:http://x", False)],
)
async def test_keys_of_aws_that_are_refused_are_told(
    monkeypatch: pytest.MonkeyPatch, error: str, refused: bool
) -> None:
    keys(monkeypatch, ID="AKID", SECRET="s3cret")
    aws = {"access_key": "env:ID", "secret_key": "env:SECRET", "region": "eu-central-1"}
    told = Told()
    answer = always(403, x_amzn_errortype=error)
    async with site(answer) as one, upstreams({"base_url": one.url, "aws": aws}, told) as found:
        assert [(await ask(found))[0] for _ in range(2)] == [403, 403]
    assert told.refusals == ([("env:ID", True)] if refused else [])
    assert "s3cret" not in str(one.heads)


async def test_where_nothing_else_is_left_the_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "key-a")
    for status in (401, 429, 503):
        async with (
            site(always(status)) as one,
            upstreams({"base_url": one.url, "credential": "env:A"}) as found,
        ):
            assert [(await ask(found))[0] for _ in range(3)] == [status] * 3
            assert len(one.keys) == 3


async def test_sessions_share_credentials_and_deployments_by_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "key-a")
    async with (
        site(always()) as one,
        site(always()) as other,
        upstreams(
            {
                "base_url": one.url,
                "credential": "env:A",
                "weight": 3,
                "deployments": [{"base_url": other.url}],
            }
        ) as found,
    ):
        for number in range(200):
            assert (await ask(found, f"s{number}"))[0] == 200
        assert 110 < len(one.keys) < 190
        before = len(one.keys), len(other.keys)
        for _ in range(10):
            await ask(found, "s7")
    assert sorted([len(one.keys) - before[0], len(other.keys) - before[1]]) == [0, 10]  # a session stays
    assert set(other.keys) == {"key-a"}  # the provider's own


@pytest.mark.parametrize("status", [503, 529])
async def test_what_a_deployment_did_not_serve_goes_to_the_next(status: int) -> None:
    async with (
        site(always(status)) as busy,
        site(always()) as free,
        upstreams({"base_url": busy.url, "deployments": [{"base_url": free.url}]}) as found,
    ):
        assert {(await ask(found, f"s{n}"))[0] for n in range(10)} == {200}


@pytest.mark.parametrize("status", [400, 403, 404, 408, 500, 502, 504])
async def test_any_other_answer_stands(status: int) -> None:
    """It may have been served."""
    async with (
        site(always(status)) as one,
        site(always(status)) as other,
        upstreams({"base_url": one.url, "deployments": [{"base_url": other.url}]}) as found,
    ):
        assert (await ask(found))[0] == status
    assert len(one.keys) + len(other.keys) == 1


async def test_what_breaks_off_once_it_was_sent_is_not_sent_again() -> None:
    def break_off(request: Any) -> Any:
        request.transport.abort()
        return 200, {}

    async with (
        site(break_off) as one,
        site(break_off) as other,
        upstreams({"base_url": one.url, "deployments": [{"base_url": other.url}]}) as found,
    ):
        with pytest.raises(UpstreamUnavailable):
            await ask(found)
    assert len(one.keys) + len(other.keys) == 1


async def test_an_answer_that_does_not_come_is_not_asked_for_again() -> None:
    async with (
        site(always()) as one,
        upstreams(
            {
                "base_url": one.url,
                "deployments": [{"base_url": f"{one.url}/b"}],
                "timeouts": {"read": 0.000001},
            }
        ) as found,
    ):
        with pytest.raises(UpstreamTimeout):
            await ask(found)
    assert len(one.keys) <= 1


async def test_a_deployment_that_cannot_be_reached_stands_back_until_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "regate.upstream"):
        async with (
            site(always()) as one,
            upstreams({"base_url": DEAD, "weight": 1000, "deployments": [{"base_url": one.url}]}) as found,
        ):
            trails = [(await ask(found, "s"))[1].trail for _ in range(8)]
    assert [len(trail.attempts) for trail in trails] == [2, 2, 2, 2, 2, 1, 1, 1]
    first = trails[0].attempts[0]
    assert (first.deployment, first.status) == ("127.0.0.1:1", 0)
    assert first.fault
    assert caplog.text.count("127.0.0.1:1, failure") == 2  # the first, and the one after which it stands back


async def test_when_all_deployments_are_down_it_is_said_and_each_was_tried() -> None:
    dead = {"base_url": DEAD, "deployments": [{"base_url": "http://127.0.0.1:2"}]}
    async with upstreams(dead) as found:
        for _ in range(8):  # past the point at which both stand back
            request = UpstreamRequest("POST", "/", "", {}, b"{}")
            with pytest.raises(UpstreamUnavailable, match="could not be reached") as refused:
                await found.find("p").transport.send(request)
            assert refused.value.status == 502
            assert len(request.trail.attempts) == 2


async def test_a_file_that_becomes_empty_leaves_nothing_to_call_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upstream.credentials._LOOK_SECONDS", 0)
    file = tmp_path / "key"
    file.write_text("key-a\n")
    async with (
        site(always()) as one,
        upstreams({"base_url": one.url, "credential": f"file:{file}"}) as found,
    ):
        upstream = found.find("p")
        assert (await ask(found))[0] == 200
        file.write_text("")
        with pytest.raises(UpstreamUnavailable, match="its credential is not set"):
            found.find("p")
        with pytest.raises(UpstreamUnavailable, match="no credential"):  # found before it became empty
            await upstream.transport.send(UpstreamRequest("POST", "/", "", {}, b"{}"))
        file.write_text("key-b")
        assert (await ask(found))[0] == 200
    assert one.keys == ["key-a", "key-b"]


async def test_a_command_whose_token_ends_is_asked_again(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    script = tmp_path / "token"
    script.write_text(
        f"#!/bin/sh\necho x >> {counter}\n"
        f'echo "{{\\"access_token\\": \\"t$(wc -l < {counter} | tr -d " ")\\", \\"expires_in\\": 3600}}"\n'
    )
    os.chmod(script, 0o755)
    async with (
        site(always()) as one,
        upstreams({"base_url": one.url, "credential": f"exec:{script}"}) as found,
    ):
        for _ in range(3):
            assert (await ask(found))[0] == 200
        ring = found.find("p").transport.places[0].keyring  # type: ignore[attr-defined]
        held = ring._keys[0].credential
        held._held = None  # it has ended
        assert (await ask(found))[0] == 200
    assert one.keys == ["t1", "t1", "t1", "t2"]


def test_one_request_probes_a_deployment_whose_rest_is_over() -> None:
    now = [0.0]
    health = Health(lambda: now[0])
    for _ in range(5):
        assert not health.is_open
        health.begin()
        health.failed()
    assert health.is_open
    now[0] += 2
    assert not health.is_open
    health.begin()
    assert health.is_open  # to all others
    health.failed()
    now[0] += 2
    assert health.is_open  # now twice as long
    now[0] += 2
    health.begin()
    health.ended()  # its caller left
    assert not health.is_open
    health.well()
    assert not health.is_open
