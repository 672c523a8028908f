"""A backtest replays what is recorded, says what it could not, and never leaves a decision out."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.candidate import BacktestReport, Transition, run_backtest
from gateway.contract.decision import Decision, Mask
from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.engine.lanes import Engine
from tests.support.configuration import need_engine
from tests.support.processes import below, of_this_test
from tests.unit.candidate.conftest import Recorder, allowed


@pytest.fixture(params=["embedded", "sidecar"])
def engine(request: pytest.FixtureRequest) -> Engine:
    need_engine(request.param)
    name: Engine = request.param
    return name


def counts(report: BacktestReport) -> dict[Transition, int]:
    return {transition: cell.count for transition, cell in report.cells.items()}


async def test_every_decision_is_in_one_row_and_a_candidate_that_fails_in_a_row_of_its_own(
    recorder: Recorder, candidate: Path, engine: Engine
) -> None:
    models = ["plain", "deny-1", "malformed", "slow", "hold", "mask", "talk", "broken", "deny-2", "plain"]
    for model in models * 2:
        await recorder.decided(model, allowed())

    report = await run_backtest(recorder.root, load_source(candidate), engine=engine, timeout_seconds=1)

    assert report.engine == engine
    assert counts(report) == {
        Transition("allow", "allow"): 4,
        Transition("allow", "allow", ("reasons",)): 2,
        Transition("allow", "deny"): 4,
        Transition("allow", "mask"): 2,
        Transition("allow", "require_approval"): 2,
        Transition("allow", "error"): 6,
    }
    assert (report.recorded, report.replayed, report.lost.total(), report.untrue) == (20, 20, 0, 0)
    denials = report.cells[Transition("allow", "deny")].examples
    assert {one.decision_id for one in denials} == {"dec_2", "dec_9", "dec_12", "dec_19"}
    assert [one.reasons[0]["message"] for one in denials] == ["Not so."] * 4
    errors = {one.error for one in report.cells[Transition("allow", "error")].examples}
    assert any("malformed" in text for text in errors)
    assert any("main.rego" in text for text in errors)


async def test_what_was_not_recorded_erased_or_damaged_is_counted(
    recorder: Recorder, candidate: Path
) -> None:
    await recorder.decided("plain", allowed(record="metadata"))
    for model in ("plain", "erased", "damaged"):
        await recorder.decided(model, allowed())
    path = next(path for path in recorder.root.joinpath("journal").glob("w*.ndjson"))
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    lines[2]["body"] = None
    lines[3]["body"]["decision"] = {"action": "maybe"}
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))

    report = await run_backtest(recorder.root, load_source(candidate))

    assert report.lost == {"not_recorded": 1, "erased": 1, "unreadable": 1}
    assert report.replayed == 1


async def test_evidence_that_its_own_revision_would_not_have_made_is_told(
    recorder: Recorder, candidate: Path
) -> None:
    source = load_source(candidate)
    await recorder.decided("plain", allowed(revision=source.revision))
    altered = await recorder.decided("deny-1", allowed(revision=source.revision))
    await recorder.decided("deny-1", allowed(revision="another"))

    report = await run_backtest(recorder.root, source)

    assert report.untrue == 1
    assert [one.decision_id for one in report.untrue_examples] == [altered]
    assert report.document()["untrue"]["count"] == 1


async def test_the_gateways_own_guards_hold_in_a_replay(recorder: Recorder, candidate: Path) -> None:
    approval = {"id": "ap_1", "status": "approved", "approvers": ["eve"], "note": ""}
    await recorder.decided("hold", allowed(), approval=approval)
    report = await run_backtest(recorder.root, load_source(candidate))
    (cell,) = report.cells.values()
    assert cell.transition == Transition("allow", "deny")
    assert cell.examples[0].reasons[0]["rule"] == "gateway.second_hold"


async def test_a_sample_is_spread_evenly_over_live_and_sealed_segments(
    recorder: Recorder, candidate: Path, tmp_path: Path
) -> None:
    for number in range(60):
        await recorder.decided(f"deny-{number}", allowed())
    recorder.sealed()
    later = Recorder(tmp_path)
    for number in range(40):
        await later.decided(f"deny-{number}", allowed())

    report = await run_backtest(recorder.root, load_source(candidate), sample=10, limit=100)
    later.journal.close()

    assert (report.recorded, report.replayed) == (100, 10)
    (cell,) = report.cells.values()
    assert len({(one.exchange_id, one.recorded_at) for one in cell.examples}) == 10


async def test_only_what_was_recorded_since_then_is_replayed(
    recorder: Recorder, candidate: Path, tmp_path: Path
) -> None:
    await recorder.decided("plain", allowed())
    recorder.sealed()
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    later = Recorder(tmp_path)
    await later.decided("deny-1", allowed())
    source = load_source(candidate)

    assert (await run_backtest(recorder.root, source)).replayed == 2
    assert counts(await run_backtest(recorder.root, source, since=between)) == {
        Transition("allow", "deny"): 1
    }
    later.journal.close()
    assert (await run_backtest(recorder.root, source, since=datetime.now(UTC))).replayed == 0


async def test_segments_that_are_gone_are_counted(recorder: Recorder, candidate: Path) -> None:
    for _ in range(3):
        await recorder.decided("plain", allowed())
    recorder.sealed()
    (sealed,) = recorder.root.glob("sealed/*/w*.parquet")
    sealed.unlink()
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    report = await run_backtest(recorder.root, load_source(candidate))
    assert (report.replayed, report.dropped_segments, report.dropped_records) == (0, 1, 3)
    assert (await run_backtest(recorder.root, load_source(candidate), since=tomorrow)).dropped_segments == 0


async def test_a_candidate_that_cannot_be_used_says_where(
    recorder: Recorder, candidate: Path, engine: Engine
) -> None:
    (candidate / "main.rego").write_text('package regate\n\ndecision := {"action": nothing.defined}\n')
    with pytest.raises(ConfigError, match=r"main\.rego:3"):
        await run_backtest(recorder.root, load_source(candidate), engine=engine)


async def test_one_mask_for_another_is_a_difference(recorder: Recorder, candidate: Path) -> None:
    await recorder.decided("mask", Decision("mask", mask=(Mask("PHONE_NUMBER"),), revision="before"))
    report = await run_backtest(recorder.root, load_source(candidate))
    assert counts(report) == {Transition("mask", "mask", ("mask",)): 1}


async def test_an_integer_over_64_bits_is_replayed_exactly_or_said_to_fail(
    recorder: Recorder, candidate: Path, engine: Engine
) -> None:
    claims: dict[str, Any] = {"number": 2**70}
    document_agent = {
        "id": "b",
        "owner": "o",
        "method": "oidc",
        "groups": [],
        "claims": claims,
        "on_behalf_of": "",
    }
    await recorder.decided("plain", allowed(), agent=document_agent)
    report = await run_backtest(recorder.root, load_source(candidate), engine=engine)
    expected = Transition("allow", "allow" if engine == "sidecar" else "error")
    assert counts(report) == {expected: 1}


async def test_whoever_breaks_a_backtest_off_leaves_no_process(
    recorder: Recorder, candidate: Path, engine: Engine
) -> None:
    for model in ["plain"] * 100 + ["slow"] * 50:
        await recorder.decided(model, allowed())
    halfway, before = asyncio.Event(), tuple(below(os.getpid()))

    def watch(done: int, total: int) -> None:
        if done:
            halfway.set()

    source = load_source(candidate)
    running = asyncio.create_task(run_backtest(recorder.root, source, engine=engine, progress=watch))
    await halfway.wait()
    assert of_this_test(before)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert of_this_test(before) == set()
