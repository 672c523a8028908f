"""`regate audit tail --follow`: each record once, whatever becomes of its segment meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.audit.tail import Following
from gateway.audit import Journal, Record, Sealer, new_writer
from gateway.audit.files.folder import Folder, is_tombstone
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import Command


class Writing:
    """One gateway's journal, which closes its segment at a word."""

    def __init__(self, base: Path) -> None:
        self.root, self._key = base / "audit", base / "state" / "evidence.key"
        self.journals: list[Journal] = []
        self.open()

    def open(self) -> None:
        self.journals.append(Journal(self.root, new_writer(), key=self._key, segment_bytes=1500))
        self.journals[-1].start()

    def write(self, *numbers: int) -> None:
        for number in numbers:
            self.journals[-1].record_sync(Record("decision", exchange_id=f"ex_{number}"))

    def bury(self) -> None:
        """Seal everything that is closed, and put tombstones in its place at once."""
        sealer = Sealer(self.root, key=self._key, settle_seconds=0, bury_seconds=0, gather_seconds=0)
        sealer.start()
        sealer.seal()
        sealer.seal()


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    made = Writing(tmp_path)
    yield made
    for journal in made.journals:
        journal.close()


def numbers(records: Any) -> list[int]:
    return [int(record["exchange_id"].removeprefix("ex_")) for record in records if record["exchange_id"]]


def test_segments_that_end_and_are_sealed_are_followed_without_a_gap_or_a_double(writing: Writing) -> None:
    writing.write(*range(5))
    following = Following(writing.root)
    assert numbers(following.newest(2)) == [3, 4]
    said: list[int] = []
    for number in range(5, 20):
        writing.write(number)
        said += numbers(following.fresh())
        if number % 5 == 0:
            writing.bury()
            said += numbers(following.fresh())
    assert any(is_tombstone(path) for path in Folder(writing.root).live_files())
    assert said == list(range(5, 20))


def test_who_was_stopped_while_segments_were_sealed_misses_nothing(writing: Writing) -> None:
    writing.write(0)
    following = Following(writing.root, late_seconds=0)
    writing.write(*range(1, 8))
    writing.journals[-1].close()
    writing.open()
    writing.write(8, 9)
    writing.bury()
    assert sorted(numbers(following.fresh())) == list(range(1, 10))
    assert numbers(following.fresh()) == []


def test_a_new_gateway_is_followed_and_a_tombstone_that_goes_stops_nothing(writing: Writing) -> None:
    writing.write(*range(8))
    following = Following(writing.root)
    writing.bury()
    live = Folder(writing.root).live_files()
    assert numbers(following.fresh()) == []
    for path in live:
        if is_tombstone(path):
            path.unlink()
    writing.open()
    writing.write(8)
    assert numbers(following.fresh()) == [8]


def test_tail_begins_with_the_newest_and_follows(regate: Command, written: Evidence) -> None:
    assert [line.split()[-1] for line in regate("audit", "tail", "-n", "2").splitlines()] == ["ex_8", "ex_9"]

    journal = written.journal()
    with regate.start("audit", "tail", "-n", "1", "-f", "--json") as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["exchange_id"] == "ex_9"
        time.sleep(0.5)
        journal.record_sync(decision(77))
        assert json.loads(following.stdout.readline())["exchange_id"] == "ex_77"
        following.kill()
