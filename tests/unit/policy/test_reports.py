"""Each live worker says what it decides by; the dead say nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.policy import PolicyStatus, StatusFile, read_reports
from gateway.policy.engine.pulling_opa import Pulled
from gateway.policy.gauges import PolicyGauges

GOOD = PolicyStatus("sidecar", "r1", ready=True, origin="policies/rego")


def test_every_live_worker_is_heard_with_its_latest_word(tmp_path: Path) -> None:
    first, second = StatusFile(tmp_path), StatusFile(tmp_path)
    first.say(replace(GOOD, error="x" * 100_000))
    second.say(GOOD)
    first.say(GOOD)
    heard = read_reports(tmp_path)
    assert [(each["revision"], each["error"], each["pid"]) for each in heard] == [("r1", "", os.getpid())] * 2
    first.close()
    assert len(read_reports(tmp_path)) == 1
    second.close()
    assert read_reports(tmp_path) == []


def test_a_worker_that_was_killed_is_not_heard_and_is_tidied_away(tmp_path: Path) -> None:
    report = StatusFile(tmp_path)
    report.say(GOOD)
    os.close(report._file)  # as the kernel does it
    assert read_reports(tmp_path) == []
    StatusFile(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_nobody_is_heard_where_nobody_was(tmp_path: Path) -> None:
    assert read_reports(tmp_path / "none") == []


def test_the_gauges_show_the_revision_in_force_and_no_other() -> None:
    status = GOOD
    gauges = PolicyGauges(lambda: status, now=lambda: 1000.0)
    assert 'regate_policy_info{engine="sidecar",revision="r1"} 1.0' in gauges.exposition().decode()
    status = replace(
        GOOD,
        revision="r2",
        error="broken",
        failing_since=datetime.fromtimestamp(940, UTC),
        failures=3,
        pulled=Pulled("r1", datetime.fromtimestamp(990, UTC), 2, "refused"),
    )
    told = gauges.exposition().decode()
    for line in (
        'regate_policy_info{engine="sidecar",revision="r2"} 1.0',
        "regate_policy_ready 0.0",
        "regate_policy_reload_failing 1.0",
        "regate_policy_reload_failing_seconds 60.0",
        "regate_policy_reload_failures_total 3.0",
        'regate_policy_pull_info{revision="r1"} 1.0',
        "regate_policy_pull_current 0.0",
        "regate_policy_pull_age_seconds 10.0",
        "regate_policy_pull_failures_total 2.0",
    ):
        assert f"\n{line}\n" in told
    assert 'regate_policy_info{engine="sidecar",revision="r1"}' not in told
    assert "broken" not in told
