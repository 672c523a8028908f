"""A report counts each replayed decision, keeps a few examples, and says which differences are refused."""

from __future__ import annotations

from gateway.audit.reading import RecordedDecision
from gateway.candidate import compare, parse_fail_on
from gateway.candidate.report import BacktestReport
from gateway.contract.decision import Decision, Reason, Warned
from gateway.errors import PolicyError, PolicyUnavailable, RegateError

ALLOW, MASK = Decision("allow"), Decision("mask")
DENY = Decision("deny", reasons=(Reason("no", message="Not so."),))


def report_of(*pairs: tuple[Decision, Decision | RegateError], revision: str = "r0") -> BacktestReport:
    """Count decisions that `revision` made and what the candidate r1 says; two examples each."""
    report = BacktestReport(revision="r1", engine="embedded", recorded=len(pairs))
    for at, (before, after) in enumerate(pairs):
        recorded = RecordedDecision(exchange_id=f"ex_{at}", decision_id=f"dec_{at}", revision=revision)
        report.add(recorded, compare(before, after), after, 2)
    return report


def test_differences_come_first_the_most_frequent_at_the_top() -> None:
    report = report_of(*[(ALLOW, ALLOW)] * 3, (ALLOW, MASK), *[(ALLOW, DENY)] * 2)
    found = [(cell.transition.after, cell.count) for cell in report.ordered()]
    assert found == [("deny", 2), ("mask", 1), ("allow", 3)]
    assert (report.replayed, report.different) == (6, 3)


def test_all_are_counted_and_the_first_are_kept_with_what_was_said() -> None:
    report = report_of(*[(ALLOW, DENY)] * 3, (ALLOW, PolicyError("undefined")), (ALLOW, ALLOW))
    by_action = {one["to"]: one for one in report.document()["transitions"]}
    assert by_action["deny"]["count"] == 3
    assert [one["exchange_id"] for one in by_action["deny"]["exchanges"]] == ["ex_0", "ex_1"]
    assert by_action["deny"]["exchanges"][0]["reasons"][0]["message"] == "Not so."
    assert "undefined" in by_action["error"]["exchanges"][0]["error"]
    assert by_action["allow"]["exchanges"] == []


def test_what_a_rule_on_trial_would_have_done_is_told() -> None:
    tried = Decision("allow", warnings=(Warned("no", message="Not so.", would="deny"),))
    [cell] = report_of((ALLOW, tried)).ordered()
    assert cell.transition.changed == ("warnings",)
    assert cell.examples[0].said() == ["no would have said deny: Not so."]


def test_only_the_named_differences_are_refused() -> None:
    report = report_of((ALLOW, DENY), (ALLOW, MASK), (ALLOW, ALLOW))
    gates = parse_fail_on("allow:deny")
    assert [cell.transition.after for cell in report.refused_by(gates)] == ["deny"]
    assert {one["to"]: one["refused"] for one in report.document(gates)["transitions"]} == {
        "deny": True,
        "mask": False,
        "allow": False,
    }


def test_evidence_that_its_own_revision_does_not_repeat_is_untrue() -> None:
    pairs = [(ALLOW, DENY)] * 3 + [(ALLOW, ALLOW), (ALLOW, PolicyUnavailable("late"))]
    assert report_of(*pairs).document()["untrue"] == {"count": 0, "exchanges": []}
    untrue = report_of(*pairs, revision="r1").document()["untrue"]
    assert untrue["count"] == 3
    assert [one["exchange_id"] for one in untrue["exchanges"]] == ["ex_0", "ex_1"]
