"""A rule that warns, or is on trial, lets pass and shows: header, evidence, console, a metric."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.reading import query
from tests.support.application import Opened
from tests.support.configuration import policy_copy

RULES = """package regate.rules.trial

_verdict := {"title": "A title", "message": "a message", "severity": "low", "controls": []}

verdicts contains object.union(_verdict, {"action": "warn", "rule": "trial.warns"}) if _asked

verdicts contains object.union(_verdict, {"action": "deny", "rule": "trial.denies"}) if _asked

_asked if input.phase == "request"
"""


async def test_what_warns_passes_and_shows(tmp_path: Path, opened: Opened) -> None:
    policy = policy_copy(tmp_path, {"log_only": ["trial.denies"]}, {"trial.rego": RULES})
    async with opened(policy=policy) as running:
        answer = await running.ask("hello")
        assert answer.status_code == 200
        assert answer.headers["x-regate-action"] == "allow"
        assert answer.headers["x-regate-warnings"] == "trial.denies, trial.warns"
        metrics = (await running.http.get("/metrics")).text
        assert 'regate_warnings_total{rule="trial.warns"} 1.0' in metrics
        exchange = answer.headers["x-regate-exchange-id"]
    sql = "SELECT exchange_id, rule, would, severity FROM warnings ORDER BY rule"
    with query(tmp_path / "audit", sql) as found:
        assert list(found.rows) == [
            [exchange, "trial.denies", "deny", "low"],
            [exchange, "trial.warns", None, "low"],
        ]
