"""What is shipped, and what again, while segments are written, sealed, buried, erased, dropped and mended."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from gateway.audit import Record
from gateway.audit.files.rotation import open_signer
from gateway.audit.sealing.orders import Order, order_erasure
from gateway.audit.shipping.source import EvidenceSource, SourceUnreadable
from gateway.audit.shipping.state import Cursor, count_behind
from tests.unit.audit.conftest import Evidence, decision


class Following:
    """A source that is read pass by pass."""

    def __init__(self, evidence: Evidence, cursor: Cursor | None = None) -> None:
        self.evidence = evidence
        self.cursor = cursor or Cursor()
        self.source = EvidenceSource(evidence.folder, self.cursor)
        self.dropped = 0

    def lines(self) -> list[bytes]:
        """Read one pass; what counts as shipped is checked against what is left."""
        found = []
        for batch in self.source.batches():
            found += batch.lines
            self.cursor = batch.cursor
            self.dropped += batch.dropped
        if not self.source.unreadable:
            assert count_behind(self.evidence.folder, self.cursor) == 0
        return found

    def numbers(self) -> list[int]:
        return [orjson.loads(line)["body"]["number"] for line in self.lines()]

    def restarted(self) -> Following:
        """Go on from the cursor, as a new process does."""
        return Following(self.evidence, self.cursor)


def test_each_record_comes_once_whether_it_is_read_live_or_sealed(evidence: Evidence) -> None:
    """Also after a restart at any place: between records, after sealing, after burying."""
    following = Following(evidence)
    journal = evidence.journal()
    sealer = evidence.sealer(bury=0)
    journal.record_sync(decision(0))
    assert following.numbers() == [0]
    journal.record_sync(decision(1))
    assert following.restarted().numbers() == [1]
    assert following.numbers() == [1]
    journal.record_sync(decision(2))
    journal.close()
    evidence.record(3)
    sealer.seal()  # 2 and 3 were never read live
    following = following.restarted()
    assert sorted(following.numbers()) == [2, 3]
    sealer.seal()  # buried
    assert following.numbers() == []
    following = following.restarted()
    assert following.numbers() == []
    assert following.cursor.writers == {}  # a writer that is gone takes no room
    evidence.record(4)
    assert following.numbers() == [4]


def test_what_is_sealed_and_buried_behind_a_readers_back_is_read_there(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=1)  # each record closes the segment before
    following = Following(evidence)
    sealer = evidence.sealer(bury=0)
    for number in range(6):
        journal.record_sync(decision(number))
        if number == 1:
            assert following.numbers() == [0, 1]
        if number == 4:
            sealer.seal()
    sealer.seal()
    assert following.numbers() == [2, 3, 4, 5]


def test_what_could_not_be_made_durable_is_not_mistaken_for_what_took_its_numbers(evidence: Evidence) -> None:
    """A batch whose sync failed is cut off, after it may have been shipped; both readers see it."""
    journal = evidence.journal()
    journal.record_sync(decision(0))
    kept = evidence.live().read_bytes()
    journal.record_sync(decision(1))
    journal.record_sync(decision(2))
    following = Following(evidence)
    assert following.numbers() == [0, 1, 2]
    later = following.restarted()
    evidence.live().write_bytes(kept)  # as mending cuts it
    other = Evidence(evidence.root.parent / "other")
    _grow(evidence, other)
    for one in (following, later):
        assert one.numbers() == [0, 11, 12, 13]


def _grow(evidence: Evidence, other: Evidence) -> None:
    """Continue the chain by hand with records that take the numbers of those that were cut off."""
    from gateway.audit.files.line import chain
    from gateway.audit.files.record import draft
    from gateway.audit.shipping.places import place_of

    path = evidence.live()
    last = place_of(path.read_bytes().splitlines()[-1])
    assert last
    seq, prev, lines = last.seq, last.hash, [path.read_bytes()]
    for number in (11, 12, 13):
        seq += 1
        line, prev = chain(draft(decision(number), datetime.now(UTC)), last.writer, seq, prev)
        lines.append(line)
    path.write_bytes(b"".join(lines))


def test_what_is_erased_before_it_is_read_leaves_without_its_content(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1, session_id="se_x", body={"said": "a secret"}))
    journal.close()
    sealer = evidence.sealer()
    sealer.seal()
    order_erasure(
        evidence.folder, open_signer(evidence.key, evidence.folder), Order("se_x"), datetime.now(UTC)
    )
    sealer.seal()
    (evidence.live()).unlink()
    (line,) = Following(evidence).lines()
    assert b"a secret" not in line
    assert b'"withheld"' in line


def test_what_retention_dropped_first_is_counted(evidence: Evidence) -> None:
    evidence.record(1)
    sealer = evidence.sealer(bury=0, retention=timedelta(0))
    sealer.seal()
    evidence.record(2)
    following = Following(evidence)
    assert following.numbers() == [2]
    assert following.dropped == 1


def test_another_folder_in_the_place_is_read_from_its_beginning(evidence: Evidence) -> None:
    def sealed_and_buried(number: int) -> None:
        evidence.record(number)
        sealer = evidence.sealer(bury=0)
        sealer.seal()
        sealer.seal()

    sealed_and_buried(1)
    following = Following(evidence)
    assert following.numbers() == [1]
    shutil.rmtree(evidence.root)
    sealed_and_buried(2)
    assert following.restarted().numbers() == [2]


def test_a_chain_that_was_put_into_the_folder_is_not_shipped(evidence: Evidence) -> None:
    other = Evidence(evidence.root.parent / "other")
    other.record(1)
    evidence.record(2)
    shutil.copy(other.live(), evidence.folder.journal)
    found = [batch.lines for batch in EvidenceSource(evidence.folder, Cursor()).batches()]
    assert [orjson.loads(line)["body"]["number"] for lines in found for line in lines] == [2]


@pytest.mark.parametrize("sealed", [False, True])
def test_what_cannot_be_read_is_told_and_not_passed_over(evidence: Evidence, sealed: bool) -> None:
    """A live chain that is broken keeps the others from nothing; a sealed file is waited for."""
    journal = evidence.journal()
    for number in range(3):
        journal.record_sync(decision(number))
    journal.close()
    if sealed:
        evidence.sealer(bury=0).seal()
        evidence.sealer(bury=0).seal()
        whole = evidence.sealed().read_bytes()
        evidence.sealed().chmod(0o600)
        evidence.sealed().write_bytes(whole[:100] + bytes(len(whole) - 200) + whole[-100:])
        with pytest.raises(SourceUnreadable, match=r"cannot be read"):
            Following(evidence).lines()
        evidence.sealed().write_bytes(whole)
        assert Following(evidence).numbers() == [0, 1, 2]
        return
    path = evidence.live()
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":7'))
    evidence.record(8)
    following = Following(evidence)
    assert sorted(following.numbers()) == [0, 8]
    assert "its body was changed" in following.source.unreadable


def test_batches_are_bounded_by_number_and_by_size(evidence: Evidence) -> None:
    journal = evidence.journal()
    for number in range(3):
        journal.record_sync(Record("gateway", body={"number": number, "said": "x" * 600_000}))
    sizes = [len(batch.lines) for batch in EvidenceSource(evidence.folder, Cursor()).batches()]
    assert sizes == [2, 1]
