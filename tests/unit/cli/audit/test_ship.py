"""`regate audit ship`: what ships where no gateway does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.unit.audit.conftest import Evidence, serving
from tests.unit.audit.shipping.conftest import Inbox
from tests.unit.cli.audit.conftest import PROJECT, Command


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    with serving(server):
        yield server


def configure(folder: Path, inbox: Inbox) -> None:
    with folder.joinpath("regate.yaml").open("a") as file:
        file.write(f"audit: {{receivers: [{{name: siem, url: '{inbox.url()}', format: records}}]}}\n")


def test_what_is_there_is_shipped_and_what_is_not_taken_is_told(
    regate: Command, evidence: Evidence, inbox: Inbox, tmp_path: Path
) -> None:
    """Its own act is the last record."""
    assert "found none to ship to" in regate("audit", "ship", code=2)
    configure(tmp_path, inbox)
    evidence.record(1)
    inbox.limit = 1
    assert "siem  2 records behind  record w" in regate("audit", "ship", "--once", code=1)
    assert regate("audit", "ship", "--status", code=1).startswith("siem  2 records behind  record w")
    inbox.limit = 2**30
    assert regate("audit", "ship", "--once") == "siem  0 records behind\n"
    assert len(inbox.records()) == 3


def test_one_ships_until_it_is_stopped_and_a_second_does_not(
    regate: Command, evidence: Evidence, inbox: Inbox, tmp_path: Path
) -> None:
    configure(tmp_path, inbox)
    evidence.record(1)
    command = [sys.executable, "-m", "cli.main", "audit", "ship"]  # of its own, to get a signal
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            until(lambda: len(inbox.records()) == 2, seconds=20)
            assert "another process ships" in regate("audit", "ship", code=1)
            evidence.record(2)
            until(lambda: len(inbox.records()) == 3, seconds=20)
        finally:
            process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "siem  0 records behind\n")
