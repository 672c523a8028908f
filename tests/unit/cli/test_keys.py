"""`regate keys`."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.keys import UnknownKey, app, parse_duration
from cli.opened import opened_journal
from gateway.approvals import Approvals, Binding
from gateway.audit.files.record import Record
from gateway.config import load_config
from gateway.config.server_key import load_server_key
from gateway.contract.decision import ApprovalTerms
from gateway.errors import ConfigError, Unauthenticated
from gateway.identity import authenticate
from gateway.state import ApprovalStore, Keys, open_state
from gateway.words import Agent


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "regate.yaml"
    path.write_text("providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    monkeypatch.setenv("REGATE_CONFIG", str(path))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def made(*arguments: str) -> dict[str, object]:
    result = run("create", "--agent", "coder", "--owner", "alice", *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_a_key_is_made_and_works(config: Path) -> None:
    document = made("--group", "team-a", "--group", "default", "--delegate", "--expires", "30d")
    assert document["groups"] == ["team-a", "default"]
    assert (document["role"], document["delegate"], document["status"]) == ("agent", True, "active")
    path = load_config(config).state_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    state = open_state(path)
    row = authenticate(Keys(state), str(document["key"]), time.time())
    state.close()
    assert row.id == document["id"]
    assert row.expires_at is not None
    assert abs(row.expires_at - time.time() - 30 * 86_400) < 60


def test_without_json_the_key_is_the_last_line(config: Path) -> None:
    result = run("create", "--agent", "coder", "--owner", "alice", "--role", "approver")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("rg_")


def test_without_a_group_it_is_in_default(config: Path) -> None:
    assert made()["groups"] == ["default"]


def test_the_list_shows_no_key(config: Path) -> None:
    document = made()
    listed = run("list", "--json")
    (row,) = json.loads(listed.stdout)
    assert row["id"] == document["id"]
    assert "key" not in row
    assert str(document["key"]) not in listed.stdout + run("list").stdout


def test_a_revoked_key_is_out(config: Path) -> None:
    key_id = str(made()["id"])
    assert run("revoke", key_id).exit_code == 0
    (row,) = json.loads(run("list", "--json").stdout)
    assert row["status"] == "revoked"
    assert row["revoked_at"]
    for unknown in (key_id, "nothing"):
        assert isinstance(run("revoke", unknown).exception, UnknownKey)


def test_revoking_cancels_what_the_key_asked_for(config: Path) -> None:
    key_id = str(made()["id"])
    settings = load_config(config)
    state = open_state(settings.state_path)
    store = ApprovalStore(state)
    agent = Agent(id="coder", owner="alice", method="api_key", key_id=key_id)
    binding = Binding(agent, "POST", "/v1/chat/completions", "", "openai", "request", "d1")

    class Journal:
        async def record(self, record: Record) -> None:
            pass

    async def ask() -> None:
        await Approvals(store, Journal(), load_server_key(settings.key_path)).hold(
            binding,
            ApprovalTerms(),
            revision="r1",
            exchange_id="ex",
            session_id="se",
            reasons=[],
            contents=(),
        )

    asyncio.run(ask())
    result = run("revoke", key_id)
    assert result.exit_code == 0, result.exception
    assert "1 of its approvals" in result.stdout
    with store.read() as rows:
        assert [one.status for one in rows.matching()] == ["cancelled"]
    state.close()
    journal = "".join(file.read_text() for file in (settings.audit_path / "journal").glob("*.ndjson"))
    assert '"code":"cancelled"' in journal


@pytest.mark.parametrize(("text", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("45m", 2_700)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0d", "30", "d", "-1d", "1.5h", "30D", "30d ", "3651d", "999999999d", "٣d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "arguments",
    [("--role", "root"), ("--expires", "soon"), ("--owner", " "), ("--role", "approver", "--delegate")],
)
def test_a_mistake_makes_no_key(config: Path, arguments: tuple[str, ...]) -> None:
    result = run("create", "--agent", "coder", "--owner", "alice", *arguments)
    assert isinstance(result.exception, ConfigError)
    assert json.loads(run("list", "--json").stdout) == []


def test_a_missing_configuration_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGATE_CONFIG", str(tmp_path / "none.yaml"))
    assert "none.yaml" in str(run("list").exception)


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert "Example: regate keys" in run(command, "--help").stdout


def test_a_key_is_made_for_what_it_is_good_for(config: Path) -> None:
    document = made(
        *("--provider", "openai", "--model", "gpt-4.1*", "--path", "/v1/chat/*", "--network", "10.0.0.0/8"),
        *("--limit", "requests_1m=60", "--limit", "tokens_day=100000"),
    )
    assert document["scope"] == {
        "providers": ["openai"],
        "models": ["gpt-4.1*"],
        "paths": ["/v1/chat/*"],
        "networks": ["10.0.0.0/8"],
        "limits": {"requests_1m": 60, "tokens_day": 100_000},
    }
    listed = run("list").stdout
    assert f"{document['prefix']}…" in listed
    assert "only providers openai, models gpt-4.1*" in listed
    assert "requests_1m 60" in listed
    assert str(document["key"]) not in listed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--network", "10.0.0.1/8"), "network"),
        (("--limit", "requests_1m"), "expected a limit"),
        (("--limit", "request_1m=1"), "expected one of requests_1m"),
        (("--limit", "requests_1m=-1"), "whole number"),
        (("--limit", "requests_1m=1", "--limit", "requests_1m=2"), "expected a limit"),
        (("--model", " "), "models"),
        (("--role", "approver", "--model", "m"), "only an agent key"),
    ],
)
def test_a_scope_that_cannot_be_meant_makes_no_key(config: Path, options: tuple[str, ...], said: str) -> None:
    result = run("create", "--agent", "coder", "--owner", "alice", *options)
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)


def test_a_key_is_rotated_with_an_overlap(config: Path) -> None:
    """Both work until the old one ends, and the new one may do what the old one may."""
    old = made("--delegate", "--expires", "30d", "--model", "m")
    result = run("rotate", str(old["id"]), "--overlap", "2h", "--json")
    new = json.loads(result.stdout)
    assert (new["replaces"], new["delegate"], new["scope"]) == (old["id"], True, old["scope"])
    state = open_state(load_config(config).state_path)
    keys, now = Keys(state), time.time()
    for key in (old, new):
        assert authenticate(keys, str(key["key"]), now).agent == "coder"
    assert authenticate(keys, new["key"], now + 29 * 86_400).agent == "coder"
    with pytest.raises(Unauthenticated, match="expired"):
        authenticate(keys, str(old["key"]), now + 3 * 3_600)
    state.close()
    assert isinstance(run("rotate", "k" * 12).exception, UnknownKey)


def test_a_key_that_another_one_replaces_is_not_rotated_again_while_that_lives(config: Path) -> None:
    """Of two successors one would be forgotten, and go on."""
    old = made()
    new = json.loads(run("rotate", str(old["id"]), "--json").stdout)
    again = run("rotate", str(old["id"]))
    assert isinstance(again.exception, ConfigError)
    assert f"{new['id']} is in its place" in str(again.exception)
    run("revoke", new["id"])
    assert json.loads(run("rotate", str(old["id"]), "--json").stdout)["replaces"] == old["id"]


def test_one_command_ends_a_leaked_key_and_shows_what_it_was_used_for(config: Path) -> None:
    leaked, other = str(made()["id"]), str(made()["id"])
    loaded = load_config(config)
    with opened_journal(loaded) as journal:
        for number, key in enumerate((leaked, other)):
            journal.record_sync(
                Record("refusal", exchange_id=f"ex_{number}", key_id=key, source_ip="6.6.6.6")
            )
    for _ in range(2):  # it can be asked again
        result = run("leaked", leaked, "--format", "json")
        assert [row["exchange_id"] for row in json.loads(result.stdout)] == ["ex_0"]
    status = {key["id"]: key["status"] for key in json.loads(run("list", "--json").stdout)}
    assert status == {leaked: "revoked", other: "active"}
    mistaken = run("leaked", f"rg_{other}_")
    assert mistaken.exit_code
    assert "is revoked" not in mistaken.output
