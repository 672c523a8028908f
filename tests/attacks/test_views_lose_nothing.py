"""Attacks on what the views count: every answer is exact, or an error; never fewer rows than there are.

Each situation is asked by stock DuckDB, of both lines, through the published `audit.duckdb`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, get_args
from zlib import crc32

import duckdb
import pytest

from gateway.audit import Journal, Record, Sealer, new_writer
from gateway.audit.files.folder import Folder, is_tombstone
from gateway.audit.files.record import NULLABLE, RecordKind
from gateway.audit.reading.described import LOG_VIEWS
from gateway.audit.reading.described import VIEWS as ALL_VIEWS
from tests.support.effort import THOROUGH, share
from tests.support.every_view import fill

_CLIENT = """
import json, sys
import duckdb
asked = json.loads(sys.stdin.readline())
main = duckdb.connect(sys.argv[1], read_only=True, config={"threads": 1})
waiting = []
for view, shapes in asked["questions"].items():
    columns = [row[0] for row in main.execute(f"DESCRIBE {view}").fetchall() if row[0] != "segment"]
    for shape in shapes:
        for column in (columns[0], columns[-1]) if "{column}" in shape else columns[:1]:
            sql = shape.format(view=view, column='"' + column + '"')
            if "USING (session_id)" in sql and "session_id" not in columns:
                continue
            client = main.cursor()
            client.execute("SET TimeZone = 'UTC'")
            if asked["begin"]:
                client.execute("BEGIN")
                client.execute("SELECT now()").fetchall()
            waiting.append((sql, client))
print(duckdb.__version__, flush=True)
sys.stdin.readline()
for sql, client in waiting:
    try:
        answer = sorted(map(repr, client.execute(sql).fetchall()))
    except duckdb.Error as error:
        answer = "error: " + str(error)
    print(json.dumps([sql, answer]))
"""
_SHAPES = (
    "SELECT count(*) FROM {view}",
    "SELECT {column}, count(*) FROM {view} GROUP BY 1",
    "SELECT count(*) FROM {view} WHERE {column} IS NOT NULL",
    "SELECT count(*) FROM {view} WHERE {column} IS NULL",
    "SELECT {column} FROM {view}",
    "SELECT count(*) FROM {view} AS a JOIN sessions AS b USING (session_id)",
)
_COUNTS = _SHAPES[:1]
_PARTS = 3
# What the signed logs say changes with every sealing: tests/unit/audit/reading/test_log_sql.py holds them.
VIEWS = [view for view in ALL_VIEWS if view not in LOG_VIEWS]

Questions = dict[str, Sequence[str]]


def questions(turn: int) -> Questions:
    """Return the shapes in which each view is asked: all, or a third of them, another one each turn."""
    return {view: share(_SHAPES, _PARTS, place + turn) for place, view in enumerate(VIEWS)}


class Client:
    """A process of stock DuckDB that asks the views, once it is told to."""

    def __init__(self, database: Path, asked: Questions, *, newer: bool, begin: bool = False) -> None:
        newest = Path(sys.prefix) / "duckdb-2"
        assert newest.is_dir(), "expected DuckDB 2 beside the locked one: run make test once"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CLIENT, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **({"PYTHONPATH": str(newest)} if newer else {})},
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"questions": asked, "begin": begin}) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().startswith("2." if newer else "1.")

    def answers(self) -> dict[str, Any]:
        """Return each statement's rows, or its error."""
        told, _ = self._process.communicate("go\n", timeout=100)
        assert self._process.returncode == 0
        return dict(json.loads(line) for line in told.splitlines())


class Evidence:
    """An audit folder whose views all have rows, and the exact answer to each question."""

    def __init__(self, base: Path) -> None:
        self.root, self.key = base / "audit", base / "state" / "evidence.key"
        for place in range(3):
            journal = Journal(self.root, new_writer(), key=self.key)
            journal.start()
            fill(journal, str(place))
            journal.close()
        self._exact: dict[tuple[bool, int], dict[str, Any]] = {}
        Sealer(self.root, key=self.key).start()  # publishes audit.duckdb

    def exact(self, turn: int, *, newer: bool) -> dict[str, Any]:
        """Return what the views say while nothing is sealed."""
        asked = newer, 0 if THOROUGH else turn % _PARTS
        if asked not in self._exact:
            answers = self.ask(questions(turn), newer=newer)
            assert {sql: answer for sql, answer in answers.items() if isinstance(answer, str)} == {}
            self._exact[asked] = answers
        return self._exact[asked]

    def ask(self, asked: Questions, *, newer: bool) -> dict[str, Any]:
        return Client(self.root / "audit.duckdb", asked, newer=newer).answers()

    def copy(self, base: Path, turn: int) -> Sealing:
        shutil.copytree(self.root, base / "audit")
        return Sealing(Folder(base / "audit"), self.key, turn)


class Sealing:
    """A copy of the folder that is sealed while a client waits, by a clock that is off."""

    def __init__(self, folder: Folder, key: Path, turn: int) -> None:
        self.folder, self._key, self.turn = folder, key, turn

    def asked(self, then: Callable[[], None], *, newer: bool, begin: bool = False) -> dict[str, Any]:
        """Return the answers that a client gets who was there before `then` happened."""
        self._sealer(0)  # publishes audit.duckdb
        client = Client(self.folder.database, questions(self.turn), newer=newer, begin=begin)
        then()
        return client.answers()

    def seal(self, *, settle: float, gone: bool = False) -> None:
        """Seal and bury everything, as a clock that is off by `settle` seconds would have it."""
        sealer = self._sealer(settle)
        sealer.seal()
        sealer.seal()
        buried = [path for path in self.folder.live_files() if is_tombstone(path)]
        assert buried
        for path in buried if gone else []:
            path.unlink()  # as a start of the gateway does an hour later

    def _sealer(self, settle: float) -> Sealer:
        sealer = Sealer(
            self.folder.root, key=self._key, settle_seconds=settle, bury_seconds=-settle, gather_seconds=0
        )
        sealer.start()
        return sealer


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return Evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def sealing(evidence: Evidence, tmp_path: Path, request: pytest.FixtureRequest) -> Sealing:
    return evidence.copy(tmp_path, turn=crc32(request.node.name.encode()))


_places = count()


def lines(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with DuckDB of both lines: with one in turn, or with both where all is tried."""
    newer = share([False, True], 2, next(_places))
    return pytest.mark.parametrize(
        "newer", newer, ids=["duckdb-2" if one else "duckdb-1.5" for one in newer]
    )(test)


def without(answers: dict[str, Any], error: str) -> dict[str, Any]:
    """Return the answers that are not this error."""
    return {sql: answer for sql, answer in answers.items() if error not in answer}


@lines
def test_every_view_has_rows_to_lose(evidence: Evidence, *, newer: bool) -> None:
    """An empty view would pass every other test here."""
    answers = evidence.ask(dict.fromkeys(VIEWS, _COUNTS), newer=newer)

    assert {view for view in VIEWS if answers[f"SELECT count(*) FROM {view}"] == ["(0,)"]} == set()


@lines
def test_a_transaction_that_outlives_a_sealing_loses_no_row(sealing: Sealing, *, newer: bool) -> None:
    """A client's transaction is older than the sealing: each question fails and says what to do."""
    answers = sealing.asked(lambda: sealing.seal(settle=0), newer=newer, begin=True)

    assert without(answers, "sealed while this query ran") == {}


@lines
def test_a_transaction_that_outlives_the_tombstones_loses_no_row(
    evidence: Evidence, sealing: Sealing, *, newer: bool
) -> None:
    """Nothing is left of the live segments: the sealed files are read, whatever the transaction's time."""
    answers = sealing.asked(lambda: sealing.seal(settle=0, gone=True), newer=newer, begin=True)

    assert answers == evidence.exact(sealing.turn, newer=newer)


@lines
def test_a_clock_that_was_set_back_loses_no_row(sealing: Sealing, *, newer: bool) -> None:
    """The seals lie an hour ahead, and tombstones stand for their segments."""
    answers = sealing.asked(lambda: sealing.seal(settle=3600), newer=newer)

    assert without(answers, "the clock was set back") == {}


@lines
def test_a_clock_that_was_set_back_before_a_restart_loses_no_row(
    evidence: Evidence, sealing: Sealing, *, newer: bool
) -> None:
    """The seals lie an hour ahead, and the tombstones are removed already."""
    answers = sealing.asked(lambda: sealing.seal(settle=3600, gone=True), newer=newer)

    assert answers == evidence.exact(sealing.turn, newer=newer)


@lines
def test_a_clock_that_was_set_forward_loses_no_row(
    evidence: Evidence, sealing: Sealing, *, newer: bool
) -> None:
    """The seals are an hour old as soon as they are written."""
    answers = sealing.asked(lambda: sealing.seal(settle=-3600), newer=newer)

    assert answers == evidence.exact(sealing.turn, newer=newer)


@pytest.mark.parametrize("gone", [False, True], ids=["tombstones", "removed"])
@lines
def test_a_log_of_seals_that_lost_its_lines_loses_no_row(
    sealing: Sealing, *, newer: bool, gone: bool
) -> None:
    """An emptied `seals.ndjson` would make every sealed file count for nothing."""

    def damage() -> None:
        sealing.seal(settle=-3600, gone=gone)
        sealing.folder.seals.write_bytes(b"")

    assert without(sealing.asked(damage, newer=newer), "has no seal") == {}


@lines
def test_a_line_between_the_records_is_no_row(evidence: Evidence, sealing: Sealing, *, newer: bool) -> None:
    """A segment may hold lines that are no records, such as signatures."""

    def sign() -> None:
        path = next(path for path in sealing.folder.live_files() if path.stat().st_size)
        path.write_bytes(b'{"signature":"00"}\n' + path.read_bytes())

    assert sealing.asked(sign, newer=newer) == evidence.exact(sealing.turn, newer=newer)


def test_the_evidence_under_attack_holds_every_kind_of_record() -> None:
    """A kind that is not there could be lost unseen."""
    written: list[Record] = []

    class Kept:
        def record_sync(self, record: Record) -> None:
            written.append(record)

    fill(Kept(), "1")

    assert {record.kind for record in written} == set(get_args(RecordKind))


def without_the_sealed_file(sealing: Sealing) -> None:
    sealing.seal(settle=-3600, gone=True)
    for path in sealing.folder.sealed_files():
        path.unlink()


def without_the_sealed_file_beside_its_segment(sealing: Sealing) -> None:
    sealing.seal(settle=-3600)
    for path in sealing.folder.sealed_files():
        path.unlink()


def without_the_segments(sealing: Sealing) -> None:
    for path in sealing.folder.live_files():
        path.unlink()


@pytest.mark.parametrize(
    "remove",
    [without_the_sealed_file, without_the_sealed_file_beside_its_segment, without_the_segments],
    ids=lambda remove: remove.__name__,
)
@lines
def test_a_file_that_was_taken_away_is_missed(
    sealing: Sealing, *, newer: bool, remove: Callable[[Sealing], None]
) -> None:
    """The signed lines name it, so that no answer passes for a whole one."""
    answers = sealing.asked(lambda: remove(sealing), newer=newer)

    assert without(answers, "a file of the evidence is gone") == {}


def test_an_older_versions_folder_is_read_whole(evidence: Evidence, sealing: Sealing) -> None:
    """Its files lack columns that came later, also the empty one: a gateway starts, and all is there."""
    sealing.seal(settle=-3600, gone=True)
    later = ", ".join(NULLABLE)
    for path in sealing.folder.sealed.glob("*/*.parquet"):
        aside = path.with_suffix(".old")
        duckdb.execute(f"COPY (SELECT * EXCLUDE ({later}) FROM '{path}') TO '{aside}' (FORMAT parquet)")
        aside.rename(path)

    sealing._sealer(0)  # publishes audit.duckdb

    counts = [shape for shape in _SHAPES if "count(*)" in shape]
    asked = {view: share(counts, _PARTS, place) for place, view in enumerate(VIEWS)}
    answers = Client(sealing.folder.database, asked, newer=False).answers()
    assert answers == evidence.ask(asked, newer=False)
