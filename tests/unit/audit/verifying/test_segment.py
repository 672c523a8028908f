"""Files proved in themselves."""

from __future__ import annotations

import pytest

from gateway.audit.verifying.segment import RecordRun, Task, prove_file
from tests.unit.audit.conftest import Evidence


def test_a_whole_file_is_one_run(written: Evidence) -> None:
    """Ten records follow each other."""
    found = prove_file(Task(written.root, written.live()))
    (run,) = found.runs
    assert (run.seq, run.count, found.lines, found.broken) == (1, 10, 10, "")


def test_a_changed_line_ends_what_is_proved(written: Evidence) -> None:
    """The records before it are sound."""
    live = written.live()
    live.write_bytes(live.read_bytes().replace(b'"number":6', b'"number":9'))
    found = prove_file(Task(written.root, live))
    assert (found.lines, found.broken) == (6, "its body was changed")


def test_a_file_that_is_gone_is_told(written: Evidence) -> None:
    """It is no crash of the verification."""
    found = prove_file(Task(written.root, written.root / "none.ndjson"))
    assert "it cannot be read" in found.broken


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (1, 2), (2, 3)])
def test_a_part_of_a_run_follows_what_is_before_it(start: int, stop: int) -> None:
    """Its `prev` is the hash of the record before."""
    hashes = [bytes([number]) * 32 for number in range(3)]
    run = RecordRun(1, "w1", 5, "p", b"".join(hashes)).cut(start, stop)
    assert (run.line, run.seq, run.count) == (1 + start, 5 + start, stop - start)
    assert run.prev == (hashes[start - 1].hex() if start else "p")
