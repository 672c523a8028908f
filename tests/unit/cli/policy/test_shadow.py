"""What the evidence holds of a shadow policy."""

from __future__ import annotations

import pytest

from cli.policy.shadow import Compared, compared, print_compared
from gateway.audit import Record
from gateway.candidate import Difference
from tests.unit.audit.conftest import Evidence, evidence

__all__ = ["evidence"]


def asked(number: int, before: str, after: str, *changed: str, revision: str = "r2") -> Record:
    body = {"before": before, "after": after, "changed": list(changed), "differs": before != after}
    return Record("shadow", decision_id=f"de_{number}", revision=revision, body=body)


@pytest.fixture
def shadowed(evidence: Evidence) -> Evidence:
    """Two journals, as two workers write them, with a candidate of revision r2 and an earlier one."""
    first, second = evidence.journal(), evidence.journal()
    for number in range(7):
        (first, second)[number % 2].record_sync(asked(number, "allow", "deny"))
    for record in (
        asked(10, "allow", "allow"),
        asked(11, "mask", "mask", "mask", "record"),
        asked(12, "allow", "deny", revision="r1"),
        Record("shadow", code="dropped", revision="r2", body={"dropped": 3}),
        Record("shadow", code="dropped", revision="r1", body={"dropped": 50}),
    ):
        first.record_sync(record)
    second.record_sync(Record("shadow", code="dropped", revision="r2", body={"dropped": 4}))
    return evidence


def test_what_all_workers_recorded_of_one_revision_is_added_up(shadowed: Evidence) -> None:
    """The most frequent difference comes first, with five decisions; agreement is no difference."""
    found = compared(shadowed.root, "r2")
    assert (found.asked, found.dropped) == (9, 7)
    denied, masked = found.differences
    assert (denied.before, denied.after, denied.changed, denied.count) == ("allow", "deny", (), 7)
    assert sorted(denied.decision_ids) == ["de_2", "de_3", "de_4", "de_5", "de_6"]
    assert masked == Difference("mask", "mask", ("mask", "record"), 1, ("de_11",))


def test_a_revision_that_was_never_asked_has_nothing(shadowed: Evidence) -> None:
    assert compared(shadowed.root, "r9") == Compared(0, 0, ())


def test_a_difference_is_one_line_whatever_its_decisions_are_called(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = Difference("mask", "mask", ("mask",), 1, ("de_1\nforged", "de_2"))
    print_compared(Compared(1_200, 7, (Difference("allow", "deny", (), 1_000, ("de_3",)), changed)))
    assert capsys.readouterr().out.splitlines() == [
        "asked     1,200, the same decision 199, not asked 7",
        "  allow → deny: 1,000   de_3",
        "  mask → mask: 1   other mask   de_1\N{REPLACEMENT CHARACTER}forged de_2",
    ]
