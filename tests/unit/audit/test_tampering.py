"""Every way of altering evidence behind Regate's back: caught, and named by file and line or record."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson
import pytest

from gateway.audit.files.line import GENESIS, chain
from gateway.audit.files.record import Draft
from gateway.audit.verifying.verification import verify
from tests.unit.audit.conftest import Evidence, decision


@dataclass
class Crime:
    """Evidence of three chains: `sealed` and `buried` in one Parquet file, `live` in two segments."""

    evidence: Evidence
    sealed: str
    live: str
    anchor: Path
    older: Path

    @property
    def parquet(self) -> Path:
        return self.evidence.sealed()

    def segment(self, number: int) -> Path:
        return self.evidence.folder.live(f"{self.live}-00000{number}")

    def lines(self, path: Path) -> list[bytes]:
        return path.read_bytes().splitlines(keepends=True)

    def put(self, path: Path, lines: list[bytes]) -> None:
        path.write_bytes(b"".join(lines))

    def rewrite(self, change: str, where: str = "true") -> None:
        made = self.parquet.with_suffix(".forged")
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT * REPLACE ({change}) FROM '{self.parquet}' WHERE {where}) "
                f"TO '{made}' (FORMAT parquet)"
            )
        made.rename(self.parquet)


@pytest.fixture
def crime(evidence: Evidence, tmp_path: Path) -> Crime:
    anchor = tmp_path / "auditor" / "roots.ndjson"
    anchor.parent.mkdir()
    sealer = evidence.sealer(bury=0, anchor=f"file:{anchor}")
    for _ in range(2):
        journal = evidence.journal()
        for number in range(5):
            journal.record_sync(decision(number))
        journal.close()
    sealed = evidence.journals[0].writer
    assert len(sealer.seal(sign=True).segments) == 2
    sealer.seal()
    older = tmp_path / "older"
    shutil.copytree(evidence.root, older)
    writing = evidence.journal(segment_bytes=3500)
    for number in range(8):
        writing.record_sync(decision(number))
    writing.close()
    assert len([path for path in evidence.folder.live_files() if path.stem.startswith(writing.writer)]) == 2
    evidence.sealer(gather=3600, anchor=f"file:{anchor}").seal(sign=True)
    return Crime(evidence, sealed, writing.writer, anchor, older)


def test_the_evidence_is_intact_before_the_crime(crime: Crime) -> None:
    report = crime.evidence.verify(anchor=crime.anchor)

    assert (report.intact, report.records, report.chains, report.unsigned) == (True, 18, 3, 0)
    assert (report.roots, report.anchored, report.notes) == (2, 2, [])


def edit_live(crime: Crime) -> None:
    lines = crime.lines(crime.segment(1))
    crime.put(crime.segment(1), [lines[0], lines[1].replace(b'"allow"', b'"deny"'), *lines[2:]])


def remove_record(crime: Crime) -> None:
    lines = crime.lines(crime.segment(1))
    crime.put(crime.segment(1), [lines[0], *lines[2:]])


def swap_records(crime: Crime) -> None:
    lines = crime.lines(crime.segment(1))
    crime.put(crime.segment(1), [lines[1], lines[0], *lines[2:]])


def truncate(crime: Crime) -> None:
    crime.put(crime.segment(2), crime.lines(crime.segment(2))[:-1])


def foreign_segment(crime: Crime) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT line FROM '{crime.parquet}' WHERE writer = '{crime.sealed}'")
        crime.put(crime.segment(3), [row[0].encode() + b"\n" for row in found.fetchall()])


def rewritten_chain(crime: Crime) -> None:
    """Who knows the format can make a chain that holds in itself, but not one that was signed."""
    crime.segment(2).unlink()
    columns = crime.lines(crime.segment(1))[0].partition(b'"seq":1,')[2].partition(b',"salt"')[0]
    made = Draft(columns, b"0" * 64, b'"owner":""', b"{}")
    crime.put(crime.segment(1), [chain(made, crime.live, 1, GENESIS)[0]])


def edit_log(crime: Crime, kind: bytes, before: bytes, after: bytes) -> None:
    path = crime.evidence.folder.checkpoints
    lines = crime.lines(path)
    place = max(number for number, line in enumerate(lines) if b'"kind":"%b"' % kind in line)
    lines[place] = lines[place].replace(before, after)
    crime.put(path, lines)


def forged_head(crime: Crime) -> None:
    """A head appended by hand, with a signature that is another line's."""
    path = crime.evidence.folder.checkpoints
    lines = crime.lines(path)
    head = orjson.loads(next(line for line in lines if crime.live.encode() in line))
    head |= {"seq": 3, "prev": hashlib.sha256(lines[-1][:-1]).hexdigest()}
    crime.put(path, [*lines, orjson.dumps(head) + b"\n"])


def chain_with_its_heads(crime: Crime) -> None:
    for number in (1, 2):
        crime.segment(number).unlink()
    path = crime.evidence.folder.checkpoints
    crime.put(path, [line for line in crime.lines(path) if crime.live.encode() not in line])


def chain_with_every_trace(crime: Crime) -> None:
    """Also the roots over it: what is left is whole, but not what the auditor holds."""
    chain_with_its_heads(crime)
    path = crime.evidence.folder.checkpoints
    crime.put(path, crime.lines(path)[:-1])


def rolled_back(crime: Crime) -> None:
    shutil.rmtree(crime.evidence.root)
    shutil.copytree(crime.older, crime.evidence.root)


def copied_writer(crime: Crime) -> None:
    """Another process, of a copied folder, went on as the same writer with the same key."""
    other = Evidence(crime.older.parent / "copy")
    shutil.copytree(crime.evidence.key.parent, other.key.parent)
    from gateway.audit import Journal

    journal = Journal(other.root, crime.live, key=other.key)
    journal.start()
    journal.record_sync(decision(77))
    journal.close()
    path = crime.evidence.folder.checkpoints
    lines = crime.lines(path)
    from gateway.audit.files.signing import Signer

    log = map(orjson.loads, crime.lines(other.folder.checkpoints))
    head = next(line for line in log if line["kind"] == "head")
    document = {key: head[key] for key in head if key not in ("prev", "key", "signature")}
    prev = hashlib.sha256(lines[-1][:-1]).hexdigest()
    crime.put(path, [*lines, Signer(other.key).line({**document, "prev": prev})])


def copied_live_segment(crime: Crime) -> None:
    shutil.copy(crime.segment(1), crime.segment(3))


CHECKPOINTS, SEALS, PARQUET = r"checkpoints\.ndjson", r"seals\.ndjson", r"sealed/date=.*/w.*\.parquet"
FIRST, SECOND = r"journal/w[0-9a-f]+-000001\.ndjson", r"journal/w[0-9a-f]+-000002\.ndjson"

CRIMES: list[tuple[Callable[[Crime], object], str]] = [
    (edit_live, rf"{FIRST}:2: record w\w+:2: it was changed"),
    (remove_record, rf"{FIRST}:2: record w\w+:2: missing up to record 2"),
    (swap_records, rf"{FIRST}:1: record w\w+:1: missing up to record 1"),
    (truncate, r"journal: record w\w+:8: the chain of w\w+ ends at record 7, but record 8 was signed"),
    (lambda crime: crime.segment(1).unlink(), rf"{SECOND}:1: record w\w+:1: missing up to record \d"),
    (
        lambda crime: crime.segment(2).unlink(),
        r"journal: record w\w+:\d: the chain of w\w+ ends at record \d, but",
    ),
    (foreign_segment, r"journal/w\w+-000003\.ndjson:1: record w\w+:9: it is a record of w"),
    (rewritten_chain, rf"{FIRST}:1: record w\w+:1: it is not the record that was signed"),
    (copied_live_segment, r"journal/w\w+-000003\.ndjson:1: record w\w+:9: record 1 stands in its place"),
    (
        lambda crime: crime.rewrite(f"if(writer = '{crime.sealed}' AND seq = 3, 'deny', action) AS action"),
        rf"{PARQUET}:\d+: record w\w+:3: its columns were changed",
    ),
    (
        lambda crime: crime.rewrite(
            "if(seq = 3, replace(line, '\"number\":2', '\"number\":9'), line) AS line"
        ),
        rf"{PARQUET}:3: record w\w+:3: its body was changed",
    ),
    (
        lambda crime: crime.rewrite("line AS line", "seq <> 3"),
        rf"{PARQUET}:3: record w\w+:3: missing up to record 3",
    ),
    (lambda crime: crime.parquet.unlink(), rf"{PARQUET}: record w\w+:1: it cannot be read"),
    (forged_head, rf"{CHECKPOINTS}:\d+: its signature does not fit"),
    (
        lambda crime: edit_log(crime, b"head", b'"seq":8', b'"seq":7'),
        rf"{CHECKPOINTS}:\d+: its signature does not fit",
    ),
    (
        lambda crime: edit_log(crime, b"root", b'"size":', b'"size":1'),
        rf"{CHECKPOINTS}:\d+: its signature does not fit",
    ),
    (chain_with_its_heads, rf"{CHECKPOINTS}:\d+: it does not follow the line before it"),
    (chain_with_every_trace, r".*/roots\.ndjson:2: a root over \d+ lines was anchored, and the log has \d+"),
    (
        rolled_back,
        r".*/roots\.ndjson:2: a root over \d+ lines was anchored, and the log has \d+: the folder was rolled",
    ),
    (copied_writer, rf"{CHECKPOINTS}:\d+: another record w\w+:1 was signed before: two processes wrote"),
    (
        lambda crime: crime.put(crime.evidence.folder.seals, []),
        r"journal/w\w+-000001\.ndjson:1: record w\w+:1: it was sealed, but its seal is gone",
    ),
    (
        lambda crime: shutil.copy(crime.parquet, crime.evidence.folder.sealed / "date=1970-01-01"),
        rf"{PARQUET}: a second file of a sealed segment",
    ),
]


@pytest.mark.parametrize(("commit", "named"), CRIMES, ids=[
    "edited byte", "removed record", "swapped records", "truncated tail", "removed segment",
    "removed last segment", "segment of another chain", "chain rewritten whole", "segment copied",
    "columns edited", "sealed line edited", "sealed record removed", "sealed file removed", "forged head",
    "head edited", "root edited", "chain removed with its heads", "chain removed with its roots",
    "rolled back", "copied writer id", "seal removed", "sealed file copied",
])  # fmt: skip
def test_it_is_caught_and_named(crime: Crime, commit: Callable[[Crime], object], named: str) -> None:
    commit(crime)

    breaks = [str(each) for each in crime.evidence.verify(anchor=crime.anchor).breaks]
    assert any(re.match(named, each) for each in breaks), breaks
    assert re.match(named, breaks[0]) or len(breaks) <= 3, breaks


def test_several_cores_find_the_same(crime: Crime) -> None:
    edit_live(crime)
    forged_head(crime)
    public = crime.evidence.key.with_suffix(".pub")

    reports = [verify(crime.evidence.root, public, jobs=jobs).document() for jobs in (1, 2)]
    assert reports[0] == reports[1]
    assert len(reports[0]["breaks"]) == 2


def test_a_root_over_a_log_without_a_chain_does_not_fit(crime: Crime) -> None:
    """Even where who removed it made every line follow the one before: they cannot sign."""
    path = crime.evidence.folder.checkpoints
    lines = crime.lines(path)
    crime.put(path, lines[1:])

    breaks = [str(each) for each in crime.evidence.verify().breaks]
    assert breaks[0] == "checkpoints.ndjson:1: the lines before it were removed"
    assert any("a root over other lines" in each for each in breaks)
