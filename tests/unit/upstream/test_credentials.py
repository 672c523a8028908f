"""A credential is what stands behind its reference now; no log and no error shows it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.errors import UpstreamUnavailable
from gateway.upstream.credentials import (
    Command,
    Fetched,
    FetchedCredential,
    StoredCredential,
    credential_of,
    read_token,
)

NOW = 1_800_000_000.0


def test_a_file_is_read_again_within_a_second_and_an_empty_one_is_no_credential(tmp_path: Path) -> None:
    now = [10.0]
    file = tmp_path / "key"
    stored = StoredCredential(f"file:{file}", now=lambda: now[0])
    assert stored.is_unset
    for text, read in (("one\n", "one"), ("two", "two"), ("", None), ("a\nb", None), ("ü", None)):
        file.write_text(text)
        now[0] += 1
        assert stored.value == read
    file.write_text("three")
    now[0] += 1
    assert stored.value == "three"
    file.unlink()
    now[0] += 1
    assert stored.value is None


async def test_a_credential_that_is_not_set_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(UpstreamUnavailable, match="not set"):
        await credential_of("env:NO_KEY").current()


@pytest.mark.parametrize(
    ("said", "value", "ends"),
    [
        ("plain\n", "plain", NOW + 300),
        ('{"token": "t", "expires_at": "2027-01-15T08:00:10Z"}', "t", NOW + 10),
        ('{"access_token": "t", "expires_in": 60}', "t", NOW + 60),
        ('{"accessToken": "t", "expires_on": 1800000020}', "t", NOW + 20),
        ('{"status": {"token": "t", "expirationTimestamp": "2027-01-15T08:00:30Z"}}', "t", NOW + 30),
        ('{"token": "t"}', "t", NOW + 300),
    ],
)
def test_tokens_are_read_as_commands_and_services_say_them(said: str, value: str, ends: float) -> None:
    found = read_token(said.encode(), NOW)
    assert (found.value, found.ends_at) == (value, ends)
    assert f"{value!r}" not in repr(found)


@pytest.mark.parametrize(
    "said", ['{"secret": "s3cret"', '{"other": "s3cret"}', '{"token": "s3cret", "expiry": "s3cret"}']
)
def test_what_cannot_be_read_is_told_without_its_text(said: str) -> None:
    with pytest.raises(ValueError, match="it") as refused:
        read_token(said.encode(), NOW)
    assert "s3cret" not in f"{refused.value!r} {refused.value.__cause__!r}"


async def test_a_token_is_asked_for_before_it_ends_and_once_for_all(caplog: pytest.LogCaptureFixture) -> None:
    now, asked, go_on = [NOW], list[float](), asyncio.Event()

    async def fetch(at: float) -> Fetched:
        asked.append(at)
        await go_on.wait()
        if len(asked) == 3:
            raise OSError("the service is sealed")
        return Fetched(f"t{len(asked)}", at + 600, at)

    credential = FetchedCredential("exec:x", fetch, now=lambda: now[0])
    assert credential.value is None
    assert not credential.is_unset
    waiting = [asyncio.create_task(credential.current()) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*waiting) == ["t1"] * 5
    now[0] += 550  # within its last minute
    go_on.clear()
    renewing = asyncio.create_task(credential.current())
    await asyncio.sleep(0)
    assert await credential.current() == "t1"  # the others do not wait
    go_on.set()
    assert await renewing == "t2"
    now[0] += 590
    with caplog.at_level(logging.WARNING, "regate.upstream"):
        assert await credential.current() == "t2"  # it holds for ten seconds yet
    assert "credential exec:x cannot be had: the service is sealed" in caplog.text
    assert await credential.current() == "t2"
    assert len(asked) == 3  # no storm after a failure
    now[0] += 4
    assert await credential.current() == "t2"
    now[0] += 2
    assert await credential.current() == "t4"


async def test_a_token_that_has_ended_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    for value, ends, why in (("t", NOW - 1, "compare the clocks"), ("a\nb", NOW + 9, "no printable text")):

        async def fetch(at: float, value: str = value, ends: float = ends) -> Fetched:
            return Fetched(value, ends, at)

        with pytest.raises(UpstreamUnavailable, match="cannot be had"):
            await FetchedCredential("exec:x", fetch, now=lambda: NOW).current()
        assert why in caplog.text


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("false", "code 1"),
        ("/no/such/program", "No such file"),
        ("head -c 70000 /dev/zero", "over 65536"),
        ("sleep 9", "ran over"),
    ],
)
async def test_a_command_that_fails_says_how(monkeypatch: pytest.MonkeyPatch, command: str, why: str) -> None:
    monkeypatch.setattr("gateway.upstream.credentials._COMMAND_SECONDS", 0.5)
    with pytest.raises((OSError, ValueError), match=why):
        await Command(command).fetch(NOW)


async def test_a_command_sees_no_other_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    said = await Command("sh -c 'echo key=$OPENAI_API_KEY'").fetch(NOW)
    assert said.value == "key="
    assert (await Command("env NAME=given sh -c 'echo $NAME'").fetch(NOW)).value == "given"
