"""`regate policy backtest`, as people and pipelines run it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gateway.policy import load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from tests.support import prefork
from tests.unit.candidate.conftest import Recorder, allowed

PROJECT = Path(__file__).parents[4]


class Command:
    """`regate policy backtest` in the folder of a configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        run = subprocess.run(
            [*prefork.program(), "policy", "backtest", *arguments],
            cwd=self._folder,
            env={
                **os.environ,
                "PYTHONPATH": str(PROJECT),
                "REGATE_CONFIG": str(self._folder / "regate.yaml"),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == code, run.stdout + run.stderr
        assert "Traceback" not in run.stderr
        return run.stdout, run.stderr


@pytest.fixture
def backtest(recorder: Recorder, candidate: Path, tmp_path: Path) -> Command:
    """The candidate is the policy in force as well."""
    (tmp_path / "regate.yaml").write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\npolicy: {path: candidate}\n"
    )
    return Command(tmp_path)


async def test_the_table_names_the_exchanges_behind_each_difference(
    backtest: Command, recorder: Recorder
) -> None:
    for model in ("plain", "deny-1", "deny-2", "malformed", "talk"):
        await recorder.decided(model, allowed())

    told, beside = backtest("--limit", "1")

    assert "5 of 5 recorded decisions replayed" in told
    for row in (
        "allow → allow: 1   same",
        "allow → deny: 2",
        "allow → error: 1",
        "allow → allow: 1   other reasons",
    ):
        assert row in told
    denials = told[told.index("allow → deny") :].splitlines()
    assert denials[1].split()[:4] == ["ex_2", "dec_2", "request", "billing"]
    assert denials[2].strip() == "no: Not so."
    assert "ex_3" not in told
    assert beside == ""  # no progress bar where nobody watches

    silent, _ = backtest("--limit", "0")
    assert "ex_2" not in silent


async def test_a_named_transition_fails_the_pipeline(backtest: Command, recorder: Recorder) -> None:
    await recorder.decided("deny-1", allowed())

    told, _ = backtest("--fail-on", "allow:mask,allow:deny", code=1)
    assert "allow → deny: 1   refused by --fail-on" in told
    backtest("--fail-on", "allow:mask,any:error")
    _, why = backtest("--fail-on", "allow:nay", code=2)
    assert "found 'allow:nay'" in why


async def test_a_script_reads_the_whole_report(backtest: Command, recorder: Recorder) -> None:
    await recorder.decided("deny-1", allowed())
    await recorder.decided("plain", allowed(record="metadata"))

    told, _ = backtest("--json", "--since", "all", "--fail-on", "allow:deny", code=1)
    report = json.loads(told)

    assert (report["recorded"], report["replayed"], report["different"]) == (2, 1, 1)
    assert report["lost"] == {"not_recorded": 1}
    (transition,) = report["transitions"]
    assert (transition["from"], transition["to"], transition["refused"]) == ("allow", "deny", True)
    assert transition["exchanges"][0]["decision_id"] == "dec_1"


async def test_altered_evidence_fails_without_any_gate(backtest: Command, recorder: Recorder) -> None:
    report = json.loads((await _recorded(backtest, recorder, "plain"))[0])
    await recorder.decided("deny-1", allowed(revision=report["revision"]))
    told, _ = backtest(code=1)
    assert "the evidence was altered" in told


async def _recorded(backtest: Command, recorder: Recorder, model: str) -> tuple[str, str]:
    await recorder.decided(model, allowed())
    return backtest("--json")


async def test_a_candidate_may_be_a_signed_bundle_and_a_tampered_one_is_refused(
    backtest: Command, recorder: Recorder, candidate: Path, tmp_path: Path
) -> None:
    key, _ = create_signing_key(tmp_path / "state" / "policy.key", "ES256")
    bundle = tmp_path / "next.tar.gz"
    bundle.write_bytes(build_bundle(load_source(candidate), key))
    await recorder.decided("deny-1", allowed())
    told, _ = backtest("--candidate", "next.tar.gz")
    assert "allow → deny: 1" in told

    bundle.write_bytes(build_bundle(load_source(candidate), None))
    _, why = backtest("--candidate", "next.tar.gz", code=2)
    assert "is not signed" in why


def test_nothing_to_replay_is_no_success(backtest: Command) -> None:
    _, why = backtest(code=1)
    assert "no decision of the time asked for (7d) could be replayed" in why


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--since", "yesterday"], "--since: found 'yesterday'"),
        (["--candidate", "nowhere"], "expected a folder of policy files"),
        (["--candidate", "broken"], "broken/main.rego:"),
    ],
)
def test_what_cannot_be_used_is_told_and_no_success(
    backtest: Command, tmp_path: Path, arguments: list[str], why: str
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "main.rego").write_text("package regate\n\ndecision := {\n")
    _, told = backtest(*arguments, code=2)
    assert why in told
    assert told.startswith("regate: ")


async def test_a_rule_cannot_speak_to_the_terminal(
    backtest: Command, recorder: Recorder, candidate: Path
) -> None:
    file = candidate / "main.rego"
    file.write_text(file.read_text().replace("Not so.", "Not\\u001b[2J\\nso."))
    await recorder.decided("deny-1", allowed())
    told, _ = backtest()
    assert "\x1b" not in told
    assert "no: Not\N{REPLACEMENT CHARACTER}[2J so." in told


async def test_a_pull_request_is_told(backtest: Command, recorder: Recorder) -> None:
    for model in ("plain", "deny-1", "deny-2"):
        await recorder.decided(model, allowed())

    told, _ = backtest("--format", "markdown", "--fail-on", "allow:deny", code=1)

    assert "**Refused:** 2 decisions change as `--fail-on` forbids, of 3 replayed" in told
    assert "| allow | deny |  | 2 | refused |" in told
    assert "- `ex_2` request, billing, " in told
    assert "lines of Rego that this traffic never runs" in told
    assert "`candidate/main.rego`: " in told


async def test_code_scanning_is_told(backtest: Command, recorder: Recorder) -> None:
    await recorder.decided("deny-1", allowed())
    told, _ = backtest("--format", "sarif", "--fail-on", "allow:deny", code=1)
    (run,) = json.loads(told)["runs"]
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels == {"allow:deny": "error", "not-run": "note"}
