"""Retention by rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.config import RetentionRule
from tests.unit.audit.conftest import Evidence, decision

_RULES = {
    "agent": (RetentionRule("1d", agent="hr-*"), 0),
    "entity": (RetentionRule("1d", entity="US_SSN"), 1),
    "group": (RetentionRule("1d", group="interns"), 2),
    "record": (RetentionRule("1d", record="full"), 3),
}


@pytest.fixture
def told(evidence: Evidence) -> Evidence:
    """Five exchanges of decision and completion: each of the first four fits one rule."""
    journal = evidence.journal()
    fitting: list[dict[str, Any]] = [
        {"agent": "hr-bot"},
        {"findings": ({"entity": "US_SSN"},)},
        {"body": {"input": {"agent": {"groups": ["interns"]}}}},
        {"body": {"decision": {"record": "full"}}},
        {},
    ]
    for number, fields in enumerate(fitting):
        journal.record_sync(decision(number, **fields))
        journal.record_sync(decision(number, kind="completion", body={"said": number}))
    journal.close()
    return evidence


@pytest.mark.parametrize("name", _RULES)
def test_what_was_said_goes_when_the_time_of_its_rule_is_over(
    told: Evidence, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Both records of the exchange lose their bodies; others keep theirs, and a younger one too."""
    rule, number = _RULES[name]
    told.sealer(rules=[rule]).seal()
    assert told.rows("SELECT count(body) FROM records") == [[10]]

    monkeypatch.setattr("gateway.audit.sealing.retention.datetime", _InTwoDays)
    sealer = told.sealer(rules=[rule])
    sealer.seal()
    sealer.seal()

    gone = (
        "SELECT exchange_id, count(*), min(order_id) LIKE 'rt_%' FROM records WHERE body IS NULL GROUP BY 1"
    )
    assert told.rows(gone) == [[f"ex_{number}", 2, True]]
    assert told.rows("SELECT what, records FROM removals ORDER BY ALL") == [["erased", None], ["ordered", 2]]
    assert told.verify().intact


class _InTwoDays(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # a plain one will do
        return datetime.now(UTC) + timedelta(days=2)
