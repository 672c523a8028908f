"""A shadow policy compares and records, falls behind without harm, and keeps its troubles to itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gateway.audit import Record
from gateway.audit.files.folder import Folder
from gateway.audit.reading.views import create_views
from gateway.candidate import Question, Shadow
from gateway.config import Config, PolicySettings, Provider
from gateway.contract.decision import Decision
from gateway.observe.metrics import Metrics
from gateway.policy import load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.words import InspectedPart, Part
from tests.support.processes import below, of_this_test
from tests.unit.candidate.conftest import Recorder, allowed, asked

Opened = Callable[..., Any]


@pytest.fixture
def opened(recorder: Recorder, candidate: Path) -> Opened:
    """Runs a shadow that asks the candidate, with its metrics."""
    pytest.importorskip("regorus", reason="the embedded engine is not installed")

    @asynccontextmanager
    async def run(ready: bool = True, **source: str) -> AsyncIterator[tuple[Shadow, Metrics]]:
        source = source or {"path": str(candidate)}
        policy = PolicySettings(engine="embedded", timeout_seconds=1, reload_seconds=0.05, **source)
        config = Config(providers={"demo": Provider("openai", "builtin:demo")}, policy=policy)
        metrics, before = Metrics(), tuple(below(os.getpid()))
        shadow = Shadow(config, recorder.journal, metrics)
        await shadow.start()
        if ready:
            await until(lambda: shadow.status().ready)
        try:
            yield shadow, metrics
        finally:
            await shadow.close()
            assert of_this_test(before) == set()

    return run


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the outcome is what is waited for
            await asyncio.sleep(0.01)


def question(recorder: Recorder, model: str, number: int = 0, decision: Decision | None = None) -> Question:
    part = InspectedPart(
        Part("user", "text", "/messages/0/content", "secret text"), "d", True, (), "secret text"
    )
    document = asked(recorder.exchange(model), part)
    record = Record(kind="decision", exchange_id=f"ex_{number}", decision_id=f"dec_{number}", agent="billing")
    return Question(record, document, (), decision or allowed())


def shadow_rows(recorder: Recorder, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        create_views(connection, Folder(recorder.root), sql)
        return connection.execute(sql).fetchall()


async def test_each_question_is_compared_and_recorded_beside_the_decision(
    opened: Opened, recorder: Recorder
) -> None:
    async with opened() as (shadow, metrics):
        for number, model in enumerate(["plain", "deny-1", "deny-2", "talk", "malformed"]):
            shadow.observe(question(recorder, model, number))
        await until(lambda: shadow.status().asked == 5)
        status = shadow.status()
        text = metrics.exposition().decode()
    recorder.journal.close()

    assert [(d.before, d.after, d.changed, d.count, d.decision_ids) for d in status.differences] == [
        ("allow", "deny", (), 2, ("dec_1", "dec_2")),
        ("allow", "allow", ("reasons",), 1, ("dec_3",)),
        ("allow", "error", (), 1, ("dec_4",)),
    ]
    assert (status.dropped, status.unrecorded, status.error) == (0, 0, "")
    assert 'regate_shadow_decisions_total{after="deny",before="allow",changed="true"} 2.0' in text
    rows = shadow_rows(
        recorder,
        "SELECT decision_id, before, after, changed, differs, code, error IS NOT NULL, live_revision, "
        "revision FROM shadow ORDER BY decision_id",
    )
    assert [row[:7] for row in rows] == [
        ("dec_0", "allow", "allow", [], False, None, False),
        ("dec_1", "allow", "deny", [], True, None, False),
        ("dec_2", "allow", "deny", [], True, None, False),
        ("dec_3", "allow", "allow", ["reasons"], True, None, False),
        ("dec_4", "allow", "error", [], True, "policy_error", True),
    ]
    assert {row[7:] for row in rows} == {("before", status.revision)}
    lines = b"".join(path.read_bytes() for path in recorder.root.glob("journal/w*.ndjson"))
    assert b"secret text" not in lines  # the decision's own record holds the text


async def test_traffic_that_it_cannot_follow_is_dropped_and_counted(
    opened: Opened, recorder: Recorder
) -> None:
    async with opened() as (shadow, metrics):
        shadow.observe(question(recorder, "slow"))
        await asyncio.sleep(0.1)  # it is being asked, for a second
        for number in range(1_300):
            shadow.observe(question(recorder, "plain", number))
        assert shadow.status().dropped == 300
        await until(lambda: shadow.status().asked == 1_001)
        assert [(d.after, d.count) for d in shadow.status().differences] == [("error", 1)]
        assert "regate_shadow_dropped_total 300.0" in metrics.exposition().decode()
    recorder.journal.close()

    assert shadow_rows(
        recorder, "SELECT body->>'$.dropped' FROM records WHERE kind = 'shadow' AND code = 'dropped'"
    ) == [("300",)]
    assert shadow_rows(recorder, "SELECT count(*) FROM shadow") == [(1_001,)]


async def test_long_texts_are_bounded_as_well(opened: Opened, recorder: Recorder) -> None:
    async with opened() as (shadow, _):
        for _ in range(5):
            long = question(recorder, "plain")
            long.document["prompt"]["characters"] = 10_000_000
            shadow.observe(long)
        assert shadow.status().dropped == 2
        await until(lambda: shadow.status().asked == 3)
        shadow.observe(question(recorder, "plain"))
        await until(lambda: shadow.status().asked == 4)


async def test_a_broken_candidate_shows_and_is_taken_up_once_it_is_mended(
    opened: Opened, recorder: Recorder, candidate: Path
) -> None:
    file = candidate / "main.rego"
    good = file.read_text()
    file.write_text("package regate\n\ndecision := {\n")
    async with opened(ready=False) as (shadow, _):
        await until(lambda: shadow.status().error != "")
        shadow.observe(question(recorder, "plain"))
        assert (shadow.status().ready, shadow.status().dropped) == (False, 1)

        file.write_text(good)
        await until(lambda: shadow.status().ready)
        assert shadow.status().error == ""
        shadow.observe(question(recorder, "deny-1"))
        await until(lambda: shadow.status().asked == 1)
        first = shadow.status()
        assert first.dropped == 0  # of this revision none

        file.write_text("package regate\n\ndecision := {\n")
        await until(lambda: "main.rego" in shadow.status().error)
        shadow.observe(question(recorder, "deny-1"))  # the last good candidate is still asked
        await until(lambda: shadow.status().asked == 2)

        file.write_text(good.replace("Not so.", "No."))
        await until(lambda: shadow.status().revision != first.revision)
        assert (shadow.status().asked, shadow.status().differences) == (0, ())


async def test_a_signed_bundle_is_asked_and_a_tampered_one_changes_nothing(
    opened: Opened, recorder: Recorder, candidate: Path, tmp_path: Path
) -> None:
    key, public = create_signing_key(tmp_path / "policy.key", "ES256")
    bundle = tmp_path / "next.tar.gz"
    bundle.write_bytes(build_bundle(load_source(candidate), key))
    async with opened(path=str(bundle), verify_key=str(public)) as (shadow, _):
        bundle.write_bytes(build_bundle(load_source(candidate), None))
        await until(lambda: "is not signed" in shadow.status().error)
        shadow.observe(question(recorder, "deny-1"))
        await until(lambda: shadow.status().asked == 1)
        assert [d.after for d in shadow.status().differences] == ["deny"]


async def test_a_journal_that_is_behind_is_left_to_the_traffic(opened: Opened, recorder: Recorder) -> None:
    async with opened() as (shadow, _):
        recorder.journal.close()
        assert recorder.journal.crowded
        shadow.observe(question(recorder, "deny-1"))
        await until(lambda: shadow.status().asked == 1)
        assert shadow.status().unrecorded == 1
        assert shadow.status().differences[0].count == 1
