"""Two gateways on a file system whose locks are not shared: what was acknowledged is never lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.audit.files.folder import is_tombstone
from gateway.audit.journal.process import this_process
from gateway.audit.reading.sql import QueryFailed
from tests.support.waiting import PATIENCE_SECONDS, until
from tests.unit.audit.conftest import Evidence, decision

# Every flock seems to be granted. A process that hides is taken for one of another container, which its
# neighbors cannot see, or for a process of this host before it started again.
_UNSHARED = """
import fcntl
fcntl.flock = lambda descriptor, operation: None
"""
_HIDES = {
    "in the open": "",
    "in another container": "dataclasses.replace(real(), namespace=1)",
    "before the host started again": "dataclasses.replace(real(), boot='b' * 32)",
}
_WRITER = (
    _UNSHARED
    + """
import dataclasses, sys, time
from pathlib import Path
from gateway.audit.journal import process
from gateway.audit.journal import writers
from gateway.audit import (Journal, Record, new_writer)
from gateway.errors import RecordingFailed
hiding = sys.argv[4]
real = process.this_process
if hiding:
    writers.this_process = lambda: eval(hiding)
journal = Journal(Path(sys.argv[1]), new_writer(), key=Path(sys.argv[2]))
journal.start()
number = 0
with open(sys.argv[3], "a", buffering=1) as acknowledged:
    while not Path(sys.argv[3] + ".stop").exists():
        number += 1
        try:
            journal.record_sync(Record("decision", exchange_id=f"{number}"))
            acknowledged.write(f"{number}\\n")
        except RecordingFailed:
            time.sleep(0.05)
        time.sleep(0.01)
journal.close()
"""
)
_SEALER = (
    _UNSHARED
    + """
import sys, time
from pathlib import Path
from gateway.audit import (Journal, Record, Sealer, new_writer)
root, key = Path(sys.argv[1]), Path(sys.argv[2])
journal = Journal(root, new_writer(), key=key)
journal.start()
journal.record_sync(Record("gateway", code="started"))
sealer = Sealer(root, key=key, settle_seconds=0, bury_seconds=0.2)
sealer.start()
for _ in range(12):
    sealer.seal(everything=True)
    time.sleep(0.2)
journal.close()
"""
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("hiding", _HIDES.values(), ids=_HIDES)
def test_a_gateway_does_not_seal_what_another_one_writes_away_under_it(tmp_path: Path, hiding: str) -> None:
    """Each record that a caller was told is durable is read afterwards, and every chain holds."""
    evidence = Evidence(tmp_path)
    evidence.journal().close()
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    common = [str(evidence.root), str(evidence.key)]
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, *common, str(acknowledged), hiding])
    try:
        while acknowledged.read_bytes().count(b"\n") < 5:
            assert writer.poll() is None
            time.sleep(0.02)
        subprocess.run([sys.executable, "-c", _SEALER, *common], check=True)
    finally:
        (tmp_path / "acknowledged.stop").touch()
        assert writer.wait(PATIENCE_SECONDS) == 0

    told = set(acknowledged.read_text().split())
    found = {row[0] for row in evidence.rows("SELECT exchange_id FROM records WHERE kind = 'decision'")}
    assert len(told) > 20
    assert told - found == set()
    report = evidence.verify()
    assert (report.breaks, report.unsigned) == ([], 0)
    assert (report.chains > 3) == bool(hiding), "a writer whose segment was claimed goes on as another one"


@pytest.mark.parametrize("how", ["replaced", "removed", "grown", "heads replaced"])
def test_a_writer_whose_file_was_taken_away_does_not_acknowledge_into_it(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses the batch, and goes on as another writer."""
    from gateway.errors import RecordingFailed

    evidence = Evidence(tmp_path)
    journal = evidence.journal()
    journal.record_sync(decision(0))
    first, path = journal.writer, evidence.live()
    match how:
        case "replaced":
            path.with_suffix(".aside").write_bytes(path.read_bytes())
            path.with_suffix(".aside").rename(path)
        case "removed":
            path.unlink()
        case "grown":
            with path.open("ab") as file:
                file.write(b"{}\n")
        case _:
            log = evidence.folder.checkpoints
            log.with_suffix(".aside").write_bytes(log.read_bytes())
            log.with_suffix(".aside").rename(log)

    with pytest.raises(RecordingFailed, match="is lost to its writer"):
        journal.record_sync(decision(1))
    while journal.failure:
        time.sleep(0.05)
    journal.record_sync(decision(2))
    journal.close()

    assert journal.writer != first
    assert b'"ex_2"' in evidence.folder.live(f"{journal.writer}-000001").read_bytes()
    asked = "SELECT exchange_id FROM records WHERE kind = 'decision'"
    if how == "removed":  # what it held is nowhere, so that no answer passes for a whole one
        with pytest.raises(QueryFailed, match="a file of the evidence is gone"):
            evidence.rows(asked)
    else:
        assert "ex_2" in {row[0] for row in evidence.rows(asked)}


def test_a_sealed_segment_that_grew_is_not_buried(tmp_path: Path) -> None:
    """What came after the seal is still there to be seen."""
    evidence = Evidence(tmp_path)
    journal = evidence.journal()
    journal.record_sync(decision(0))
    journal.close()
    sealer = evidence.sealer(bury=0)
    sealer.seal()
    path = evidence.live()
    with path.open("ab") as file:
        file.write(b'{"more')

    refused = [sealer.seal().refused for _ in range(2)][-1]

    assert not is_tombstone(path)
    assert "changed since it was sealed" in (refused or {})[path.stem]


def test_a_process_tells_itself_from_the_one_that_had_its_number_before() -> None:
    """By the time of its start: process ids come again."""
    from dataclasses import replace

    here = this_process()
    assert not here.is_gone()
    assert replace(here, started=here.started - 1).is_gone()
    assert replace(here, boot="b" * 32).is_gone()
    assert not replace(here, boot="b" * 32, host="h" * 32).is_gone()
    assert not replace(here, boot="b" * 32, host="h" * 32).is_near()
    child = subprocess.Popen(["sleep", "60"])
    try:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        other = replace(here, pid=child.pid, started=int(fields[19]))
        assert not other.is_gone()
        os.kill(child.pid, 9)
        until(other.is_gone)  # a zombie: it writes nothing more
    finally:
        child.kill()
        child.wait()
