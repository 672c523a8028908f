"""`regate approvals`, from a process of its own beside whatever waits."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.approvals import app
from gateway.approvals import Approval, ApprovalClosed, Approvals, Binding, MayNotDecide, UnknownApproval
from gateway.audit.files.record import Record
from gateway.config import Config, load_config
from gateway.config.server_key import ServerKey, load_server_key
from gateway.contract.decision import ApprovalTerms
from gateway.errors import ConfigError, RecordingFailed, Unauthenticated
from gateway.identity import create_key
from gateway.state import ApprovalStore, Keys, Role, open_state
from gateway.words import Agent, Requirement
from tests.support.contents import told


class Journal:
    async def record(self, record: Record) -> None:
        pass


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    path = tmp_path / "regate.yaml"
    path.write_text("providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    monkeypatch.setenv("REGATE_CONFIG", str(path))
    monkeypatch.delenv("REGATE_KEY", raising=False)
    return load_config(path)


@pytest.fixture
def pending(config: Config) -> Approval:
    return asyncio.run(held(config))


async def held(config: Config, quorum: int = 1, all_of: tuple[Requirement, ...] = ()) -> Approval:
    state = open_state(config.state_path)
    row, _ = create_key(Keys(state), agent="coder", owner="alice", now=time.time())
    agent = Agent(id="coder", owner="alice", method="api_key", key_id=row.id)
    approvals = Approvals(ApprovalStore(state), Journal(), load_server_key(config.key_path))
    approval = await approvals.hold(
        Binding(agent, "POST", "/v1/chat/completions", "", "openai", "request", "d1"),
        ApprovalTerms(quorum=quorum, all_of=all_of),
        revision="r1",
        exchange_id="ex_1",
        session_id="se_1",
        reasons=[{"rule": "bulk", "title": "Bulk export", "message": "30 \x1b[2Jpeople"}],
        contents=told("user: hello \x1b[2J\nbye"),
    )
    state.close()
    return approval


def key_of(config: Config, owner: str, role: Role = "approver") -> str:
    state = open_state(config.state_path)
    _, key = create_key(Keys(state), agent=owner, owner=owner, role=role, now=time.time())
    state.close()
    return key


def run(*arguments: str, key: str = "") -> Result:
    return CliRunner().invoke(app, arguments, env={"REGATE_KEY": key})


def test_what_is_pending_is_listed(config: Config, pending: Approval) -> None:
    (document,) = json.loads(run("list", "--status", "pending", "--json").stdout)
    assert (document["id"], document["status"], document["agent"]) == (pending.id, "pending", "coder")
    assert document["created_at"].endswith("Z")
    assert document["decided_at"] == ""
    assert json.loads(run("list", "--status", "approved", "--json").stdout) == []
    assert pending.id in run("list").stdout


def test_nothing_is_an_empty_array(config: Config) -> None:
    assert json.loads(run("list", "--json").stdout) == []


def test_an_approver_says_yes_and_it_is_recorded(config: Config, pending: Approval) -> None:
    result = run("approve", pending.id, "--note", "ticket 7", key=key_of(config, "bob"))
    assert result.exit_code == 0, result.exception
    assert f"{pending.id} is approved by bob" in result.stdout
    (document,) = json.loads(run("list", "--json").stdout)
    assert (document["status"], document["approvers"], document["note"]) == ("approved", ["bob"], "ticket 7")
    lines = [
        json.loads(line)
        for file in (config.audit_path / "journal").glob("*.ndjson")
        for line in file.read_text().splitlines()
    ]
    (record,) = [line for line in lines if line.get("kind") == "approval"]
    assert (record["approval_id"], record["code"]) == (pending.id, "approved")
    assert (record["body"]["approver"], record["body"]["note"]) == ("bob", "ticket 7")


def test_an_approver_says_no(config: Config, pending: Approval) -> None:
    result = run("deny", pending.id, "--note", "no", "--json", key=key_of(config, "bob"))
    assert json.loads(result.stdout)["status"] == "denied"
    again = run("approve", pending.id, "--note", "yes", key=key_of(config, "carol"))
    assert isinstance(again.exception, ApprovalClosed)


def test_a_quorum_says_how_many_are_missing(config: Config) -> None:
    approval = asyncio.run(held(config, quorum=2))
    result = run("approve", approval.id, "--note", "", key=key_of(config, "bob"))
    assert "1 more needed" in result.stdout


def test_what_is_required_of_groups_is_shown_with_who_counts(config: Config) -> None:
    required = (Requirement(("default",)), Requirement(("dpo", "legal")))
    approval = asyncio.run(held(config, all_of=required))
    said = run("approve", approval.id, "--note", "", key=key_of(config, "bob"))
    assert "bob says yes; 1 of dpo or legal needed" in said.stdout
    shown = run("show", approval.id).stdout
    assert "requires          1 of default: bob" in shown
    assert "requires          1 of dpo or legal: no one yet" in shown
    told = json.loads(run("show", approval.id, "--json").stdout)
    assert [one["approvers"] for one in told["all_of"]] == [["bob"], []]


def test_the_owner_may_not_approve(config: Config, pending: Approval) -> None:
    result = run("approve", pending.id, "--note", "me", key=key_of(config, "alice"))
    assert isinstance(result.exception, MayNotDecide)
    assert json.loads(run("list", "--json").stdout)[0]["status"] == "pending"


@pytest.mark.parametrize("key", ["nonsense", "rg_aaaaaaaaaaaa_" + "a" * 52])
def test_an_unknown_key_decides_nothing(config: Config, pending: Approval, key: str) -> None:
    result = run("approve", pending.id, "--note", "x", key=key)
    assert isinstance(result.exception, Unauthenticated)
    assert key not in str(result.exception)


def test_without_a_key_or_a_terminal_nothing_is_decided(config: Config, pending: Approval) -> None:
    assert "REGATE_KEY" in str(run("approve", pending.id, "--note", "x").exception)


def test_an_unknown_approval_is_said(config: Config) -> None:
    assert isinstance(run("show", "ap_none").exception, UnknownApproval)
    result = run("deny", "ap_none", "--note", "", key=key_of(config, "bob"))
    assert isinstance(result.exception, UnknownApproval)


def test_a_journal_that_cannot_write_decides_nothing(config: Config, pending: Approval) -> None:
    key = key_of(config, "bob")
    config.audit_path.write_text("a file where the folder should be")
    result = run("approve", pending.id, "--note", "x", key=key)
    assert isinstance(result.exception, ConfigError | RecordingFailed)
    assert json.loads(run("list", "--json").stdout)[0]["status"] == "pending"


def test_show_is_safe_for_a_terminal(config: Config, pending: Approval) -> None:
    for output in (run("show", pending.id).stdout, run("list").stdout):
        assert "\x1b" not in output
    assert "hello" in run("show", pending.id).stdout
    assert json.loads(run("show", pending.id, "--json").stdout)["summary"] == pending.summary


def test_watch_prints_what_is_pending_and_what_changes(config: Config, pending: Approval) -> None:
    command = "from cli.approvals import app; app(['watch', '--json', '--seconds', '30'])"
    environment = {**os.environ, "REGATE_CONFIG": str(config.root / "regate.yaml")}
    watching = subprocess.Popen(
        [sys.executable, "-c", command], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["status"] == "pending"
    run("approve", pending.id, "--note", "", key=key_of(config, "bob"))
    assert json.loads(watching.stdout.readline())["status"] == "approved"
    watching.terminate()
    watching.stdout.close()
    watching.wait()


def test_a_status_that_does_not_exist_is_refused(config: Config) -> None:
    assert "expected one of pending" in str(run("list", "--status", "open").exception)


async def test_a_request_that_waits_is_released_from_here(config: Config) -> None:
    approval, key = await held(config), key_of(config, "bob")
    state = open_state(config.state_path)
    approvals = Approvals(ApprovalStore(state), Journal(), ServerKey(bytes(32)))
    waiting = asyncio.create_task(approvals.wait(approval.id, 30))
    await asyncio.to_thread(run, "approve", approval.id, "--note", "", key=key)
    released = await waiting
    await approvals.close()
    state.close()
    assert replace(released, decided_at=None).status == "approved"


@pytest.mark.parametrize("command", ["list", "show", "approve", "deny", "watch"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert "Example:" in run(command, "--help").stdout
