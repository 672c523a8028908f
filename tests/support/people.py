"""What people do about approvals, by the real command: in a process of its own, or quickly in this one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from typer.testing import CliRunner

from cli.main import app
from gateway.state import ApprovalStore, open_state
from tests.support.gateway import GatewayProcess
from tests.support.waiting import PATIENCE_SECONDS


def await_pending(gateway: GatewayProcess, words: str) -> str:
    """The id of the pending approval whose summary holds these words."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    state = open_state(gateway.state)
    try:
        while time.monotonic() < deadline:
            with ApprovalStore(state).read() as rows:
                found = [one.id for one in rows.matching(status="pending") if words in one.summary]
            if found:
                assert len(found) == 1, found
                return found[0]
            time.sleep(0.05)
    finally:
        state.close()
    raise AssertionError(f"nothing pending about {words!r}")


def approve(gateway: GatewayProcess, approval_id: str, key: str, *, process: bool = False) -> None:
    _decide(gateway, "approve", approval_id, key, process=process)


def deny(gateway: GatewayProcess, approval_id: str, key: str, *, process: bool = False) -> None:
    _decide(gateway, "deny", approval_id, key, process=process)


def listed(gateway: GatewayProcess, status: str = "") -> Mapping[str, dict[str, Any]]:
    """`regate approvals list`, by id."""
    option = ("--status", status) if status else ()
    return {one["id"]: one for one in json.loads(gateway.run("approvals", "list", *option, "--json"))}


def status_of(gateway: GatewayProcess, approval_id: str) -> str:
    return str(json.loads(gateway.run("approvals", "show", approval_id, "--json"))["status"])


def _decide(gateway: GatewayProcess, verdict: str, approval_id: str, key: str, *, process: bool) -> None:
    arguments = ["approvals", verdict, approval_id, "--note", "said by a test"]
    if process:
        gateway.run(*arguments, key=key)
        return
    environment = {"REGATE_CONFIG": str(gateway.config_file), "REGATE_KEY": key}
    done = CliRunner().invoke(app, arguments, env=environment)
    assert done.exit_code == 0, (done.output, done.exception)
