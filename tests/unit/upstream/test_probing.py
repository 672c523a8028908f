"""The doctor asks each deployment with each credential, and says which is refused and what is not reached."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Provider
from gateway.upstream import Probed, probe
from tests.support.sites import Answer, Site, always, only, site


@contextmanager
def serving(answer: Answer) -> Iterator[Site]:
    """Serve an address from a thread: what is tested has an event loop of its own."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Site] = []

    async def serve() -> None:
        async with site(answer) as one:
            found.append(one)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


def probed(**settings: Any) -> list[Probed]:
    return probe(msgspec.convert({"family": "openai", **settings}, Provider), Path())


def test_a_credential_that_is_refused_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD", "sk-good")
    monkeypatch.setenv("BAD", "sk-bad")
    names = ("GOOD", "BAD", "UNSET")
    with serving(only("sk-good")) as one:
        found = probed(
            base_url=f"{one.url}/v1", credentials=[{"credential": f"env:{name}"} for name in names]
        )
    assert {(each.state, each.ok) for each in found} == {
        ("answers, takes env:GOOD", True),
        ("refuses env:BAD: 401", False),
        ("env:UNSET is not set", True),
    }
    assert one.targets == ["/v1/models"] * 2
    assert "sk-" not in str(found)


def test_a_clock_that_is_wrong_is_told() -> None:
    with serving(always(date=formatdate(1_800_000_000))) as one:
        (found,) = probed(base_url=one.url)
    assert not found.ok
    assert "this machine's clock is" in found.state


def test_what_is_not_reached_or_not_had_is_told(tmp_path: Path) -> None:
    (found,) = probed(base_url="http://127.0.0.1:1")
    assert (found.ok, found.state.partition(":")[0]) == (False, "cannot be reached")
    (found,) = probed(base_url="http://127.0.0.1:1", credential="exec:false")
    assert "exec:false: the provider's credential cannot be had: the command ended with code 1" in found.state
    (found,) = probed(base_url="http://127.0.0.1:1", credential=f"file:{tmp_path}/none")
    assert (found.ok, found.state) == (True, f"disabled: its credential file:{tmp_path}/none is not set")
    (found,) = probed(base_url="http://127.0.0.1:1", family="mcp", credential="exec:false")
    assert "cannot be reached" in found.state  # nothing is asked that lists models
