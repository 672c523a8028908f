"""Live segments, followed."""

from __future__ import annotations

import orjson

from gateway.audit.reading.tail import Tail
from tests.unit.audit.conftest import Evidence, decision


def test_only_what_is_written_from_now_on_is_read_and_once(evidence: Evidence) -> None:
    """A line that is not whole yet waits."""
    journal = evidence.journal()
    journal.record_sync(decision(1))
    tail = Tail(evidence.root)
    assert tail.read() == []
    journal.record_sync(decision(2))
    assert [orjson.loads(line)["exchange_id"] for line in tail.read()] == ["ex_2"]
    with evidence.live().open("ab") as segment:
        segment.write(b'{"wri')
    assert tail.read() == []


def test_a_segment_that_goes_stops_nothing(written: Evidence) -> None:
    """Its lines were read, or are in a sealed file."""
    tail = Tail(written.root)
    written.live().unlink()
    assert tail.read() == []
