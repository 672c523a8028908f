"""What rules on trial would have done is counted in the evidence."""

from __future__ import annotations

from pathlib import Path

from cli.policy.trials import trials
from gateway.audit import Record
from gateway.policy import PolicySource, load_source
from tests.support.configuration import policy_copy
from tests.unit.audit.conftest import Evidence, evidence

__all__ = ["evidence"]


def warned(rule: str, would: str = "", waiver: str = "") -> Record:
    warning = {"rule": rule, "title": "", "message": "", "severity": "low", "would": would, "waiver": waiver}
    return Record("decision", decision_id=rule, body={"decision": {"warnings": [warning]}})


def test_each_rule_on_trial_has_its_counts(tmp_path: Path, evidence: Evidence) -> None:
    """A rule that only warns, or is waived, is on no trial."""
    journal = evidence.journal()
    for record in (
        *[warned("access.model", "deny")] * 3,
        warned("access.model", "deny", waiver="SEC-1"),
        warned("access.limit", "deny"),
        warned("pii.mask"),
    ):
        journal.record_sync(record)
    policy = policy_copy(tmp_path, {"log_only": ["access.model", "pii.mask"]}, {})
    found = trials(load_source(policy), evidence.root)
    assert [str(one) for one in found] == [
        "access.model would have said deny 3 times",
        "pii.mask would have done nothing so far",
    ]


NIGHT = """package regate.rules.night

verdicts contains {
	"action": "deny",
	"rule": "night.interns",
	"log_only": true,
}

verdicts contains {"rule": sprintf("night.%s", [name]), "log_only": true} if some name in input.agent.groups

verdicts contains {
	"rule": "night.in_force",
	# "log_only": true,
}
"""


def test_a_verdict_that_says_it_is_only_logged_is_on_trial(tmp_path: Path, evidence: Evidence) -> None:
    """The rules with a computed name are counted one by one."""
    journal = evidence.journal()
    for rule in ("night.owls", "night.owls", "access.model"):
        journal.record_sync(warned(rule, "deny"))
    source = PolicySource(tmp_path, {"night.rego": NIGHT}, b"{}", "r")
    assert [str(one) for one in trials(source, evidence.root)] == [
        "night.interns would have done nothing so far",
        "night.owls would have said deny 2 times",
    ]
