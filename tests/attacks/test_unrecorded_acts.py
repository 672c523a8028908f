"""Attacks that leave no trace: authority given or ended, enforcement changed, evidence read, unrecorded.

Each table names every command and route that there is. A new one fails its test until it has a row.
"""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route
from typer.main import get_command
from typer.testing import CliRunner, Result

from cli.main import app
from gateway.audit import Journal, Record, new_writer
from gateway.audit.reading.sql import query
from gateway.config import load_config, load_server_key
from gateway.errors import PolicyUnavailable, RecordingFailed
from gateway.http.admin import admin_routes
from gateway.policy import Policies
from gateway.state import ToolPins, open_state
from tests.support.configuration import configuration, edit_settings, policy_copy
from tests.support.desk import open_desk
from tests.support.gateway import GatewayProcess
from tests.unit.audit.conftest import serving
from tests.unit.audit.shipping.conftest import Inbox

# The act that a command records, "" for one that changes no authority and reads evidence as masked.
COMMANDS = {
    "init": "",  # files in a folder
    "up": "started",
    "demo": "",  # what its own gateway and commands record
    "doctor": "",
    "scan": "",
    "keys create": "key_created",
    "keys list": "",
    "keys revoke": "key_revoked",
    "keys rotate": "key_replaced",
    "keys leaked": "key_revoked",
    "approvals list": "",
    "approvals show": "",
    "approvals approve": "an approval's record",
    "approvals deny": "an approval's record",
    "approvals watch": "",
    "policy new": "",  # a file in the folder: the gateway that loads it records the activation
    "policy check": "",
    "policy test": "",
    "policy fmt": "",
    "policy docs": "",
    "policy eval": "",
    "policy try": "",
    "policy import": "",  # files in the folder, as with new
    "policy learn": "",
    "mcp": "",  # it reads what policy commands print
    "policy explain": "",
    "policy backtest": "",
    "policy status": "",
    "policy waivers": "",
    "policy inspect": "",
    "policy build": "",
    "policy keygen": "signing_key_created",
    "policy use": "policy_used",
    "policy rollback": "policy_used",
    "audit sql": "evidence_queried",
    "audit views": "",
    "audit open": "",  # refused for the evidence itself
    "audit tail": "",
    "audit export": "evidence_exported",
    "audit ship": "evidence_exported",
    "audit erase": "erasure_ordered",
    "audit subject": "subject_sought",
    "audit hold": "hold_placed",
    "audit release": "hold_released",
    "audit report": "evidence_exported",
    "audit verify": "",
    "audit prove": "",
    "audit seal": "",
    "audit tiles": "",  # heads and hashes, which witnesses have
    "audit rotate-key": "key_rotated",
    "tools pins": "",
    "tools forget": "tool_forgotten",
    "sessions list": "",
    "sessions show": "content_read",  # with --full
    "sessions replay": "",
}
ROUTES = {
    "GET /whoami": "",
    "GET /approvals": "",
    "GET /approvals/{id}": "",
    "POST /approvals/{id}/approve": "an approval's record",
    "POST /approvals/{id}/deny": "an approval's record",
    "GET /sessions": "",
    "GET /sessions/{id}": "",
    "GET /exchanges": "",
    "GET /exchanges/{id}": "",
    "GET /keys": "",
    "POST /keys": "key_created",
    "DELETE /keys/{id}": "key_revoked",
    "GET /policy": "",
    "GET /tools": "",
    "POST /tools/forget": "tool_forgotten",
    "POST /sql": "evidence_queried",
}


class Place:
    """A gateway's folder, with a recorded exchange and a policy that two bundles were built of."""

    def __init__(self, folder: Path, inbox: Inbox) -> None:
        self.folder = folder
        self.inbox = inbox
        self.config = load_config(folder / "regate.yaml")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    def said(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exception is None, (arguments, done.output, done.exception)
        return done.stdout

    def acts(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was done, with the body that says by whom."""
        with query(self.config.audit_path, "SELECT code, body FROM records WHERE kind = 'gateway'") as found:
            return [(code, body) for code, body in found.rows]

    def effects(self) -> dict[str, bytes]:
        """Return every file that an act may change, and the keys."""
        kept = (self.config.bundles_path, self.config.signing_key_path.parent, self.folder / "out")
        files = [path for folder in kept for path in folder.rglob("*") if path.suffix not in (".db", "")]
        listed = {
            str(path): path.read_bytes() for path in files if path.is_file() and "db-" not in path.suffix
        }
        orders = self.config.audit_path.joinpath("seals.ndjson").read_bytes()
        keys = [key for key in json.loads(self.said("keys", "list", "--json")) if key["status"] == "active"]
        pins = self.said("tools", "pins", "--json").encode()
        return listed | {
            "shipped": bytes(self.inbox.asked),
            "orders": orders,
            "keys": json.dumps(keys).encode(),
            "pins": pins,
        }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    policy, inbox = policy_copy(tmp_path), Inbox()
    (tmp_path / "out").mkdir()
    (tmp_path / "regate.yaml").write_text(
        f"providers: {{demo: {{family: openai, base_url: 'builtin:demo'}}}}\n"
        f"policy: {{path: {policy}, engine: embedded}}\n"
        f"audit: {{receivers: [{{name: siem, url: '{inbox.url()}', format: records}}]}}\n"
    )
    monkeypatch.setenv("REGATE_CONFIG", str(tmp_path / "regate.yaml"))
    made = Place(tmp_path, inbox)
    journal = Journal(made.config.audit_path, new_writer(), key=made.config.evidence_key_path)
    journal.start()
    journal.record_sync(Record("completion", exchange_id="ex_1", session_id="se_1", body={"parts": []}))
    journal.close()
    with serving(inbox):
        yield made


def arrange(place: Place, command: str) -> list[str]:
    """Prepare for a command, and return how it is called."""
    match command:
        case "keys create":
            return ["keys", "create", "--agent", "coder", "--owner", "alice"]
        case "keys revoke":
            made = json.loads(place.said("keys", "create", "--agent", "a", "--owner", "b", "--json"))
            return ["keys", "revoke", made["id"]]
        case "keys rotate" | "keys leaked":
            made = json.loads(place.said("keys", "create", "--agent", "a", "--owner", "b", "--json"))
            return [*command.split(), made["id"]]
        case "policy use" | "policy rollback":
            place.said("policy", "keygen")
            first = json.loads(place.said("policy", "build", "--json"))["file"]
            if command == "policy use":
                return ["policy", "use", first]
            edit_settings(place.config.policy_path, {"bulk": {"personal_values": 7}})
            second = json.loads(place.said("policy", "build", "--json"))["file"]
            place.said("policy", "use", first)
            place.said("policy", "use", second)
            return ["policy", "rollback"]
        case "tools forget":
            state = open_state(place.config.state_path)
            asyncio.run(ToolPins(state).keep("office/mcp", {"send": "d1"}))
            state.close()
            return ["tools", "forget", "office/mcp", "send"]
        case "audit sql":
            out = str(place.folder / "out" / "rows.csv")
            return ["audit", "sql", "select agent from decisions", "--format", "csv", "--out", out]
        case "audit export":
            return ["audit", "export", "--out", str(place.folder / "out" / "all.ndjson")]
        case "audit ship":
            return ["audit", "ship", "--once"]
        case "audit erase":
            return ["audit", "erase", "--session", "se_1", "--yes"]
        case "audit hold":
            return ["audit", "hold", "--all"]
        case "audit release":
            return ["audit", "release", place.said("audit", "hold", "--all").split()[0]]
        case "audit subject":
            load_server_key(place.config.key_path)  # as every gateway has one
            return ["audit", "subject", "alice", "--export", str(place.folder / "out" / "alice.json")]
    return command.split()


@pytest.mark.parametrize(
    "command",
    [
        "keys create",
        "keys revoke",
        "keys rotate",
        "tools forget",
        "policy keygen",
        "policy use",
        "policy rollback",
        "audit sql",
        "audit export",
        "audit ship",
        "audit erase",
        "audit hold",
        "audit release",
        "audit subject",
        "audit rotate-key",
    ],
)
def test_no_command_acts_unrecorded(place: Place, command: str) -> None:
    """The act is on record with the operating system's user."""
    arguments = arrange(place, command)
    before = place.acts()
    place.said(*arguments)
    [(code, body)] = [act for act in place.acts() if act not in before]

    assert code == COMMANDS[command]
    assert (body["by"], body["face"]) == (getpass.getuser(), "cli")


@pytest.mark.parametrize(
    "command",
    [
        "keys create",
        "keys rotate",
        "tools forget",
        "policy keygen",
        "policy use",
        "policy rollback",
        "audit sql",
        "audit export",
        "audit ship",
        "audit erase",
        "audit hold",
        "audit release",
        "audit subject",
    ],
)
def test_no_command_acts_when_it_cannot_be_recorded(
    place: Place, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal takes nothing: the command fails, and all is as it was."""
    arguments = arrange(place, command)
    before = place.effects()
    monkeypatch.setattr(Journal, "record_sync", _refuse)
    done = place.run(*arguments)

    assert isinstance(done.exception, RecordingFailed)
    assert place.effects() == before
    assert "rg_" not in done.output


def test_a_stolen_key_ends_although_it_cannot_be_recorded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoking takes authority away: it is done first, and the missing record is an error that says so."""
    arguments = arrange(place, "keys revoke")
    monkeypatch.setattr(Journal, "record_sync", _refuse)
    done = place.run(*arguments)

    assert isinstance(done.exception, RecordingFailed)
    assert "is revoked, but that is not recorded" in str(done.exception)
    assert place.effects()["keys"] == b"[]"


def test_no_command_is_missing_in_the_table() -> None:
    """A new command is judged: does it give authority, change what is enforced, or read the evidence?"""

    def names(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
        if not hasattr(command, "list_commands"):
            yield " ".join(path)
            return
        for name in command.list_commands(None):
            yield from names(command.get_command(None, name), (*path, name))

    assert set(names(get_command(app))) == set(COMMANDS)


async def test_no_route_is_missing_in_the_table(tmp_path: Path) -> None:
    """The same for the admin API."""
    async with open_desk(tmp_path) as desk:
        [mount] = admin_routes(desk.oversight)
    assert isinstance(mount, Mount)
    routes = [route for route in mount.routes if isinstance(route, Route)]

    assert {
        f"{method} {route.path}" for route in routes for method in (route.methods or ()) if method != "HEAD"
    } == set(ROUTES)


async def test_nobody_reads_the_evidence_over_http_unrecorded(tmp_path: Path) -> None:
    """A SELECT is on record with the key and its owner before its answer is given."""
    async with open_desk(tmp_path) as desk:
        key, _ = desk.key("aud", "auditor")
        await desk.oversight.sql(key, "SELECT 1")
        [act] = desk.records()

    assert {name: act[name] for name in ("code", "by", "by_key", "face", "sql")} == {
        "code": "evidence_queried",
        "by": "aud",
        "by_key": key.id,
        "face": "api",
        "sql": "SELECT 1",
    }


async def test_nobody_reads_the_evidence_when_it_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal takes nothing: no row is given."""

    async def refuse(*_: object) -> None:
        raise RecordingFailed("the disk is full")

    async with open_desk(tmp_path) as desk:
        key, _ = desk.key("aud", "auditor")
        monkeypatch.setattr(Journal, "record", refuse)
        with pytest.raises(RecordingFailed):
            await desk.oversight.sql(key, "SELECT 1")


def test_a_gateway_does_not_change_what_it_enforces_unrecorded(tmp_path: Path) -> None:
    """Its start is on record with its settings, the policy from the start, and each edit that it sees."""
    policy = policy_copy(tmp_path)
    config = configuration("http://127.0.0.1:1", engine="embedded", policy=policy, audit={"retention": "9d"})
    gateway = GatewayProcess(tmp_path / "gateway", config).start()
    try:
        edit_settings(policy, {"bulk": {"personal_values": 7}})
        sql = "SELECT code, body FROM records WHERE code IN ('started', 'policy_activated') ORDER BY seq"
        rows = gateway.await_rows(sql, enough=lambda found: len(found) == 3)
    finally:
        gateway.kill()
    started, first, edited = (json.loads(row["body"]) for row in rows)

    assert [row["code"] for row in rows] == ["started", "policy_activated", "policy_activated"]
    settings = started["settings"]
    assert (settings["enforce"], settings["retention"], "openai" in settings["providers"]) == (
        True,
        "9d",
        True,
    )
    assert "UPSTREAM_KEY" not in json.dumps(started)
    assert (first["cause"], edited["cause"], edited["before"]) == ("start", "edit", first["revision"])
    assert edited["revision"] != first["revision"]


async def test_a_policy_that_cannot_be_recorded_does_not_stay_in_force(tmp_path: Path) -> None:
    """The edit is undone: the policy before it goes on deciding."""
    policy = policy_copy(tmp_path)
    refuse = False

    async def activated(revision: str, before: str) -> None:
        if refuse:
            raise RecordingFailed("the disk is full")

    policies = _policies(tmp_path, policy, activated)
    await policies.start()
    try:
        good = policies.status().revision
        refuse = True
        edit_settings(policy, {"bulk": {"personal_values": 7}})
        with pytest.raises(PolicyUnavailable, match="cannot be recorded"):
            await policies._load(None)
        assert policies.status().revision == good
        assert policies.source is not None
        assert policies.source.revision == good
    finally:
        await policies.close()


def _policies(folder: Path, policy: Path, activated: Callable[[str, str], Any]) -> Policies:
    import logging

    (folder / "regate.yaml").write_text(
        f"providers: {{demo: {{family: openai, base_url: 'builtin:demo'}}}}\n"
        f"policy: {{path: {policy}, engine: embedded, reload_seconds: 3600}}\n"
    )
    return Policies(load_config(folder / "regate.yaml"), logging.getLogger("test"), activated=activated)


def _refuse(*_: object) -> None:
    raise RecordingFailed("the disk is full")
