"""A crash or an error at every single operation: nothing acknowledged is lost, nothing counted twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import orjson
import pytest

from gateway.audit import Journal, Sealer, new_writer
from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder, is_tombstone
from gateway.audit.files.rotation import open_signer, rotate
from gateway.audit.reading.views import view_statements
from gateway.audit.sealing.orders import LegalHold, Order, order_erasure
from gateway.audit.sealing.plan import End
from gateway.audit.sealing.removal import RemovalFailed, Remover, Rewritten
from gateway.audit.sealing.removal_worker import write_anew
from gateway.audit.sealing.seal import SealingFailed
from gateway.audit.sealing.worker import write_files
from gateway.audit.verifying.verification import verify
from gateway.errors import ConfigError, RecordingFailed
from tests.support.effort import share
from tests.unit.audit.conftest import decision

from .faults import BROKEN, FULL, READ_ONLY, FaultyDisk, PowerCut, Survival

SHARDS = 3
_OPERATIONS = share(range(1, 1000))
SURVIVALS: tuple[Survival, ...] = ("kill", "lost", "torn", "pages")
ERRORS = (FULL, READ_ONLY, BROKEN)


class InProcessSealer(Sealer):
    """Writes Parquet in this process, so that the disk under test sees it."""

    def _write(
        self,
        ends: Mapping[str, tuple[int, End]],
        files: Sequence[Sequence[str]],
        writers: Mapping[str, Mapping[str, Any]],
    ) -> Iterable[dict[str, Any]]:
        return write_files(self._folder, {writer: end for writer, (_, end) in ends.items()}, files, writers)


class InProcessRemover(Remover):
    """The same of files that are written anew."""

    def _rewrite(self, path: str, orders: Sequence[Order], holds: Sequence[LegalHold]) -> Rewritten:
        return write_anew(self._folder, self._folder.root / path, orders, holds)


class Gateway:
    """What a gateway does to its evidence, on a disk that may fail; keeps what was acknowledged."""

    def __init__(self, base: Path, disk: FaultyDisk | None) -> None:
        self.root, self.key, self.disk = base / "audit", base / "state" / "evidence.key", disk
        self.folder = Folder(self.root, disk)
        self.acknowledged: list[str] = []
        self.journals: list[Journal] = []

    def run(self) -> None:
        """Start, record, rotate segments, seal, bury, change the key, record again, close, seal."""
        journal = self._again(self.start)
        sealer = self._again(self.sealer)
        for number in range(4):
            self.record(journal, f"a{number}")
        self._again(sealer.seal)
        self._again(sealer.seal)
        self._again(lambda: rotate(self.key, self.folder))
        for number in range(2):
            self.record(journal, f"b{number}")
        journal.close()
        self._again(lambda: sealer.seal(sign=True))
        self._again(sealer.seal)

    def erase(self) -> None:
        """Order that everything said so far is erased, and have it done."""
        signer = self._again(lambda: open_signer(self.key, self.folder))
        self._again(lambda: order_erasure(self.folder, signer, Order(agent="billing"), datetime.now(UTC)))

    def start(self) -> Journal:
        journal = Journal(
            self.root, new_writer(), key=self.key, segment_bytes=1500, sign_seconds=0, disk=self.disk
        )
        journal.start()
        self.journals.append(journal)
        return journal

    def sealer(self, retention: timedelta | None = None) -> Sealer:
        sealer = InProcessSealer(
            self.root, key=self.key, settle_seconds=0, bury_seconds=0, gather_seconds=0, disk=self.disk
        )
        sealer._remover = InProcessRemover(sealer._folder, retention)
        sealer.start()
        return sealer

    def record(self, journal: Journal, name: str) -> None:
        """Acknowledged or refused; after a refusal the disk works again."""
        try:
            journal.record_sync(decision(1, exchange_id=name))
            self.acknowledged.append(name)
        except RecordingFailed:
            if self.disk and self.disk.dead:
                raise PowerCut from None
            while journal.failure:
                threading.Event().wait(0.005)

    def stop(self) -> None:
        for journal in self.journals:
            with suppress(RecordingFailed):
                journal.close()

    def _again(self, work: Any) -> Any:
        """An error that comes once is told, and the same works the next time."""
        try:
            return work()
        except (ConfigError, SealingFailed, RemovalFailed, OSError):
            return work()


class ErasingGateway(Gateway):
    """Records, seals, erases what was said, records on, and drops all files whose time is over."""

    def run(self) -> None:
        journal = self._again(self.start)
        sealer = self._again(self.sealer)
        self.record(journal, "a0")
        self.record(journal, "a1")
        self._again(sealer.seal)
        self.erase()
        self._again(sealer.seal)
        self.record(journal, "b0")
        journal.close()
        self._again(sealer.seal)
        self._again(self._again(lambda: self.sealer(timedelta(0))).seal)
        self._again(self.sealer)  # the next start deletes what stands for dropped files


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.audit.journal.journal._RETRY_SECONDS", 0.01)
    monkeypatch.setattr("gateway.audit.reading.views.publish", lambda folder: None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # the journal's thread dies as it should


def counts(folder: Folder) -> Counter[str]:
    rows = asked(folder, "SELECT exchange_id, code FROM records")
    return Counter(exchange_id or code for exchange_id, code in rows)


def asked(folder: Folder, question: str, *parameters: object) -> list[Any]:
    """The answer to a question about the records of a folder; hundreds of folders are asked."""
    connection = _views()
    connection.execute("SET VARIABLE audit = ?", [str(folder.root)])
    return connection.execute(question, parameters).fetchall()


@cache
def _views() -> duckdb.DuckDBPyConnection:
    """The view of the records, in whichever folder the variable names, as in `audit.duckdb`."""
    connection = duckdb.connect(config={"threads": 1})
    with TemporaryDirectory() as base:  # DuckDB looks into the files once when a view is made
        (empty := Folder(Path(base))).prepare()
        connection.execute("SET VARIABLE audit = ?", [str(empty.root)])
        for statement in view_statements("getvariable('audit')::VARCHAR", ("records",)):
            connection.execute(statement)
    return connection


def torn(folder: Folder) -> bool:
    live = [path.read_bytes() for path in folder.live_files() if not is_tombstone(path)]
    return any(b"\0" in content or (content and not content.endswith(b"\n")) for content in live)


def is_whole(base: Path, acknowledged: list[str]) -> Counter[str]:
    """What was acknowledged is there once or dropped on record, nothing twice, and every chain holds."""
    report = verify(base / "audit", base / "state" / "evidence.pub")
    assert report.breaks == []
    found = counts(Folder(base / "audit"))
    names = {name: count for name, count in found.items() if len(name) == 2}
    assert len(set(acknowledged) - names.keys()) <= report.dropped
    assert set(names.values()) <= {1}
    return found


def is_erased(folder: Folder) -> bool:
    """Whether nothing is left of what was said before the last order that stands."""
    lines = [orjson.loads(line) for line in signed_log.lines(folder.seals)]
    before = max((line["before"] for line in lines if line["kind"] == "order"), default="")
    if not before:
        return True
    left = "SELECT count(body) FROM records WHERE kind = 'decision' AND recorded_at <= ?::TIMESTAMPTZ"
    return asked(folder, left, before) == [(0,)]


def crashes(tmp_path: Path, shard: int, kind: type[Gateway]) -> Iterator[tuple[Gateway, FaultyDisk, Path]]:
    """The same run, dying at one operation after the other, to its end: a third of them, from `shard` on."""
    for at in _OPERATIONS[shard::SHARDS]:
        base = tmp_path / f"run-{at}"
        base.mkdir()
        disk = FaultyDisk(at)
        gateway = kind(base, disk)
        with suppress(PowerCut):
            gateway.run()
        yield gateway, disk, base
        gateway.stop()
        disk.close()
        if not disk.dead:
            return
    pytest.fail("the run does not come to an end")


def content(base: Path) -> dict[str, bytes]:
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def left_over(disk: FaultyDisk, base: Path) -> Iterator[tuple[Survival, Path]]:
    """Every different state that the crash may leave."""
    seen: list[dict[str, bytes]] = []
    for survival in SURVIVALS:
        left = base.with_name(f"{base.name}-{survival}")
        disk.survive(base, left, survival)
        if (state := content(left)) not in seen:
            seen.append(state)
            yield survival, left


@pytest.mark.timeout(900)  # a hundred starts and stops
@pytest.mark.parametrize("kind", [Gateway, ErasingGateway])
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_crash_at_any_operation_loses_nothing_acknowledged_and_doubles_nothing(
    tmp_path: Path, shard: int, kind: type[Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = 0
    for gateway, disk, base in crashes(tmp_path, shard, kind):
        for survival, left in left_over(disk, base):
            if survival == "kill" and signed_log.lines(Folder(left / "audit").checkpoints):
                is_whole(left, gateway.acknowledged)
            cut = torn(Folder(left / "audit"))

            again = Gateway(left, None)
            with monkeypatch.context() as later:
                later.setattr(
                    "gateway.audit.journal.process._started", lambda pid: 1
                )  # the process is another one
                journal = again.start()
                again.record(journal, "zz")
                journal.close()
                again.sealer().seal(everything=True, sign=True)

            found = is_whole(left, [*gateway.acknowledged, "zz"])
            assert is_erased(Folder(left / "audit")), (disk.fired, survival)
            assert bool(found["torn_tail_cut"]) == cut, (disk.fired, survival)
        last = disk.count
    assert last > 90


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [Gateway, ErasingGateway])
@pytest.mark.parametrize("shard", range(SHARDS))
def test_an_error_of_any_operation_refuses_or_is_made_good(
    tmp_path: Path, shard: int, kind: type[Gateway]
) -> None:
    for at in _OPERATIONS[shard::SHARDS]:
        base = tmp_path / f"run-{at}"
        base.mkdir()
        disk = FaultyDisk(at, ERRORS[at // SHARDS % len(ERRORS)])
        gateway = kind(base, disk)
        try:
            gateway.run()
        finally:
            gateway.stop()
            disk.close()
        is_whole(base, gateway.acknowledged)
        assert is_erased(Folder(base / "audit")), disk.fired
        assert len(gateway.acknowledged) >= (5 if kind is Gateway else 2), disk.fired
        if not disk.fired:
            break
    assert at > 90
