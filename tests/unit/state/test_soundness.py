"""A state file is proven sound by a probe that remembers nothing, once for all who ask."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.state import State
from gateway.state.soundness import Soundness


async def test_many_callers_cost_one_probe(path: Path, state: State) -> None:
    probes = 0

    def look() -> None:
        nonlocal probes
        probes += 1

    soundness = Soundness(path, look)
    await asyncio.gather(*[soundness.proven() for _ in range(50)])
    await soundness.proven()
    soundness.close()
    assert probes == 1


async def test_a_file_that_is_locked_is_refused_within_a_second_and_a_free_one_passes(
    path: Path, state: State
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(StateUnavailable):
        await state.proven()
    assert time.monotonic() - began < 1
    other.execute("ROLLBACK")
    other.close()
    await asyncio.sleep(0.7)
    await state.proven()


async def test_a_probe_that_hangs_keeps_nobody_waiting(path: Path, state: State) -> None:
    soundness = Soundness(path, lambda: time.sleep(1.5))
    for _ in range(2):
        with pytest.raises(StateUnavailable, match="no answer from"):
            await soundness.proven()
    soundness.close()
