"""`regate policy explain` says which rules made a recorded decision, and what the policy says today."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.policy import app
from cli.policy.explain import Unexplained
from gateway.contract.decision import Decision, Reason
from gateway.policy import load_source
from tests.unit.candidate.conftest import Recorder, allowed
from tests.unit.policy.conftest import LIBRARY

UNKNOWN = Reason("access.unknown_agent", "Unknown agent", "the caller is not known", "high", ("SOC2:CC6.1",))


@pytest.fixture
def policy(tmp_path: Path, opa: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library, as the policy of a configuration beside the recorder's journal."""
    shutil.copytree(LIBRARY, tmp_path / "rego")
    (tmp_path / "regate.yaml").write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\npolicy: {path: rego}\n"
    )
    monkeypatch.setenv("REGATE_CONFIG", str(tmp_path / "regate.yaml"))
    monkeypatch.setenv("REGATE_OPA", str(opa))
    return tmp_path / "rego"


def decided(recorder: Recorder, decision: Decision) -> str:
    """The id of a recorded decision about a harmless prompt."""
    return asyncio.run(recorder.decided("gpt-4.1", decision))


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments])


def test_the_rules_are_named_with_their_reasons_and_their_metadata(recorder: Recorder, policy: Path) -> None:
    decision = decided(recorder, Decision(action="deny", reasons=(UNKNOWN,), revision="before"))
    run = explain(decision)
    assert run.exit_code == 0, run.output
    assert "decided   deny by revision before" in run.stdout
    assert "access.unknown_agent: the caller is not known (high; SOC2:CC6.1)" in run.stdout
    assert f"{policy}/rules/access.rego:" in run.stdout
    assert "An unknown agent is denied" in run.stdout
    assert "regate keys create" in run.stdout  # the remedy
    revision = load_source(policy).revision
    assert f"on disk   allow by revision {revision}, another policy" in run.stdout


def test_the_same_decision_by_the_same_policy_is_called_so(recorder: Recorder, policy: Path) -> None:
    revision = load_source(policy).revision
    decision = decided(recorder, Decision(action="allow", revision=revision))
    assert f"on disk   the same decision by revision {revision}, the same policy" in explain(decision).stdout
    told = json.loads(explain(decision, "--json").stdout)
    assert told["input"]["model"] == "gpt-4.1"
    assert told["on_disk"]["action"] == told["action"] == "allow"


def test_opa_traces_the_recorded_input(recorder: Recorder, policy: Path) -> None:
    decision = decided(recorder, allowed())
    run = explain(decision, "--trace", "full")
    assert run.exit_code == 0, run.output
    assert "Enter data.regate.decision" in run.stdout


def test_text_that_was_held_back_is_said(recorder: Recorder, policy: Path) -> None:
    decision = decided(recorder, Decision(action="deny", reasons=(UNKNOWN,), record="metadata"))
    run = explain(decision)
    assert run.exit_code == 0
    assert "access.unknown_agent" in run.stdout
    assert "not asked, for the input cannot be rebuilt: decision.record was metadata" in run.stdout
    assert isinstance(explain(decision, "--trace", "full").exception, Unexplained)


def test_a_decision_is_found_after_sealing(recorder: Recorder, policy: Path) -> None:
    decision = decided(recorder, allowed())
    recorder.sealed()
    assert f"{decision}: the request of exchange ex_1" in explain(decision).stdout


def test_policy_that_has_no_answer_today_is_no_obstacle(recorder: Recorder, policy: Path) -> None:
    decision = decided(recorder, allowed())
    main = policy / "main.rego"
    main.write_text('package regate\n\ndecision := {"action": "allow"} if input.model != "gpt-4.1"\n')
    run = explain(decision)
    assert run.exit_code == 0, run.output
    assert "on disk   no decision by revision" in run.stdout
    assert "undefined" in run.stdout


def test_an_unknown_decision_is_an_error(recorder: Recorder, policy: Path) -> None:
    failure = explain("dec_nowhere").exception
    assert isinstance(failure, Unexplained)
    assert "no decision 'dec_nowhere'" in str(failure)
