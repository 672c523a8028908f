"""Torn tails of dead writers."""

from __future__ import annotations

import orjson

from tests.unit.audit.conftest import Evidence, decision


def test_a_torn_tail_of_a_dead_writer_is_recorded_and_cut_off(written: Evidence) -> None:
    whole = written.live().read_bytes()
    written.live().write_bytes(whole + b'{"writer":"torn')

    journal = written.journal()
    journal.close()

    dead, mine = sorted(written.folder.live_files(), key=lambda path: path.stem.startswith(journal.writer))
    assert dead.read_bytes() == whole
    (cut,) = [orjson.loads(line) for line in mine.read_bytes().splitlines()]
    assert cut["code"] == "torn_tail_cut"
    assert (cut["body"]["segment"], cut["body"]["bytes"]) == (dead.stem, 15)
    assert written.verify().intact


def test_the_segment_of_a_living_writer_is_not_touched(evidence: Evidence) -> None:
    first = evidence.journal()
    first.record_sync(decision(1))
    with evidence.live().open("ab") as file:
        file.write(b'{"half')

    evidence.journal()

    assert evidence.live().read_bytes().endswith(b'{"half')
