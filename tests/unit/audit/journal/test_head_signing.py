"""When the head of a live chain is signed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading

import orjson
import pytest

from gateway.audit.files import signed_log
from tests.unit.audit.conftest import Evidence, decision


def records(evidence: Evidence) -> list[dict[str, object]]:
    return [
        orjson.loads(line)
        for path in evidence.folder.live_files()
        for line in path.read_bytes().split(b"\n")[:-1]
    ]


def test_heads_are_signed_at_the_first_record_every_so_often_and_at_the_end(evidence: Evidence) -> None:
    journal = evidence.journal(sign_seconds=0.2)
    journal.record_sync(decision(0))
    threading.Event().wait(0.3)
    journal.record_sync(decision(1))
    journal.record_sync(decision(2))
    journal.close()

    log = [orjson.loads(line) for line in evidence.folder.checkpoints.read_bytes().splitlines()]
    assert [line["seq"] for line in log if line["kind"] == "head"] == [1, 2, 3]
    assert evidence.key.stat().st_mode & 0o777 == 0o600
    assert evidence.root not in evidence.key.parents


def test_a_lock_on_the_signed_heads_does_not_stop_records(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that may read the file can lock it, and keep the lock."""
    monkeypatch.setattr(signed_log, "_LOCK_SECONDS", 0.2)
    hindered = evidence.journal(sign_seconds=0.1)
    before = signed_log.lines(evidence.folder.checkpoints)
    script = (
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); "
        "print(flush=True); sys.stdin.read()"
    )
    command = [os.sys.executable, "-c", script, str(evidence.folder.checkpoints)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        for number in range(3):
            asyncio.run(hindered.record(decision(number)))
        assert hindered.failure == ""
        assert signed_log.lines(evidence.folder.checkpoints) == before
        other.communicate()

    hindered.record_sync(decision(3))
    hindered.close()
    assert len(records(evidence)) == 4
    report = evidence.verify()
    assert (report.intact, report.unsigned) == (True, 0)
