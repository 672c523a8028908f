"""Segments of dead writers."""

from __future__ import annotations

from gateway.audit.journal.dead import dead_segment
from tests.unit.audit.conftest import Evidence, decision


def test_a_whole_segment_has_no_torn_tail(written: Evidence) -> None:
    """Its writer closed it."""
    with dead_segment(written.folder, written.live().stem) as dead:
        assert dead is not None
        assert dead.torn_tail() is None


def test_what_stands_behind_the_last_signed_batch_is_cut_off(written: Evidence) -> None:
    """The rest of a record that was never acknowledged."""
    live = written.live()
    whole = live.read_bytes()
    live.write_bytes(whole + b'{"writer":"w')
    with dead_segment(written.folder, live.stem) as dead:
        assert dead is not None
        tail = dead.torn_tail()
        assert tail is not None
        assert (tail.offset, tail.bytes, tail.records) == (len(whole), 12, 0)
        dead.cut(tail)
    assert live.read_bytes() == whole


def test_a_living_writer_keeps_its_segment(evidence: Evidence) -> None:
    """Its lock is taken, and a segment that is not there is none."""
    evidence.journal().record_sync(decision(1))
    for name in (evidence.live().stem, "w0-000001"):
        with dead_segment(evidence.folder, name) as dead:
            assert dead is None
