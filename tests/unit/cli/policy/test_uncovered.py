"""The lines that recorded traffic never runs are named."""

from __future__ import annotations

from pathlib import Path

from cli.policy.uncovered import uncovered
from gateway.policy import load_source
from tests.unit.candidate.conftest import Recorder, allowed


async def test_the_lines_that_no_traffic_runs_are_named(recorder: Recorder, candidate: Path) -> None:
    source = load_source(candidate)
    assert uncovered(recorder.root, source, None) is None  # nothing is recorded yet
    await recorder.decided("plain", allowed())
    before = uncovered(recorder.root, source, None)
    await recorder.decided("deny-1", allowed())
    after = uncovered(recorder.root, source, None)
    assert before is not None
    assert after is not None
    assert set(after) < set(before)


async def test_where_the_policy_fails_it_is_not_known(recorder: Recorder, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "main.rego").write_text("package regate\n\ndecision := to_number(input.model)\n")
    await recorder.decided("plain", allowed())
    assert uncovered(recorder.root, load_source(folder), None) is None
