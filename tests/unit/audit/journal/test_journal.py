"""The journal: durable, bounded, and whole after every fault."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.audit import Journal, new_writer
from gateway.audit.files.disk import Disk
from gateway.audit.files.record import Draft
from gateway.audit.journal.segment import LiveChain
from gateway.errors import ConfigError, RecordingFailed
from tests.support.waiting import until
from tests.unit.audit.conftest import Evidence, decision


def records(evidence: Evidence) -> list[dict[str, object]]:
    return [
        orjson.loads(line)
        for path in evidence.folder.live_files()
        for line in path.read_bytes().split(b"\n")[:-1]
    ]


async def test_a_record_is_on_disk_when_its_caller_goes_on(evidence: Evidence) -> None:
    journal = evidence.journal()

    await journal.record(decision(7))

    (record,) = records(evidence)
    assert (record["exchange_id"], record["seq"], record["writer"]) == ("ex_7", 1, journal.writer)


async def test_callers_of_one_moment_share_a_sync(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = evidence.journal(sign_seconds=3600)
    await journal.record(decision(0))
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: (syncs.append(descriptor), real(descriptor))[1])

    await asyncio.gather(*(journal.record(decision(number)) for number in range(200)))

    assert len(records(evidence)) == 201
    assert len(syncs) < 100


async def test_records_stand_in_the_order_they_were_handed_in(evidence: Evidence) -> None:
    journal = evidence.journal()

    for number in range(50):
        journal.enqueue(decision(number))
    await journal.record(decision(50))

    assert [record["exchange_id"] for record in records(evidence)] == [f"ex_{number}" for number in range(51)]


async def test_a_caller_that_leaves_does_not_take_its_record_back(evidence: Evidence) -> None:
    journal = evidence.journal()
    leaving = asyncio.create_task(journal.record(decision(1)))
    await asyncio.sleep(0)

    leaving.cancel()
    await journal.record(decision(2))

    assert [record["exchange_id"] for record in records(evidence)] == ["ex_1", "ex_2"]


def test_threads_may_record_at_once(evidence: Evidence) -> None:
    journal = evidence.journal()

    def work(base: int) -> None:
        for number in range(20):
            journal.record_sync(decision(base + number))

    threads = [threading.Thread(target=work, args=(100 * place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()

    assert len(records(evidence)) == 160
    assert evidence.verify().intact


def test_segments_rotate_by_size_and_the_chain_goes_on(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=2000)

    for number in range(20):
        journal.record_sync(decision(number))
    journal.close()

    assert len(evidence.folder.live_files()) > 3
    report = evidence.verify()
    assert (report.intact, report.records, report.chains, report.unsigned) == (True, 20, 1, 0)


def test_segments_rotate_by_age_without_a_record_coming(evidence: Evidence) -> None:
    journal = evidence.journal(segment_seconds=0.1)
    journal.record_sync(decision(1))

    sealed = evidence.sealer()
    for _ in range(60):
        if sealed.seal().segments:
            break
        threading.Event().wait(0.1)

    assert len(evidence.folder.sealed_files()) == 1


def test_a_full_queue_refuses(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = evidence.journal(queue_records=5)
    writing, gate = threading.Event(), threading.Event()
    real = LiveChain.append

    def append(chain: LiveChain, drafts: Iterable[Draft]) -> None:
        writing.set()
        gate.wait()
        real(chain, drafts)

    monkeypatch.setattr(LiveChain, "append", append)
    journal.enqueue(decision(0))
    assert writing.wait(60)  # it has left the queue
    for number in range(5):
        journal.enqueue(decision(1 + number))
    with pytest.raises(RecordingFailed, match="queue is full"):
        journal.enqueue(decision(6))
    gate.set()
    journal.close()
    assert len(records(evidence)) == 6


async def test_a_record_that_no_caller_waits_for_goes_with_the_next_batch(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.audit.journal.journal._LINGER_SECONDS", 60.0)
    batches: list[int] = []
    real = LiveChain.append
    monkeypatch.setattr(
        LiveChain,
        "append",
        lambda self, drafts: (batches.append(len(made := [*drafts])), real(self, made))[1],
    )
    journal = evidence.journal()
    for number in range(3):
        await journal.record(decision(number))
        journal.enqueue(decision(100 + number))
    assert batches == [1, 2, 2]
    journal.close()
    assert batches == [1, 2, 2, 1]


def test_a_record_that_no_caller_waits_for_is_written_though_no_other_comes(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1))
    journal.enqueue(decision(2))
    until(lambda: len(records(evidence)) == 2)
    journal.close()


def test_a_journal_that_is_not_started_or_closed_refuses(evidence: Evidence) -> None:
    journal = Journal(evidence.root, new_writer(), key=evidence.key)
    with pytest.raises(RecordingFailed, match="not started"):
        journal.record_sync(decision(1))

    journal.start()
    journal.close()
    with pytest.raises(RecordingFailed, match="closed"):
        journal.enqueue(decision(2))


@contextmanager
def tiny_disk(path: Path, size: str = "256k") -> Iterator[None]:
    """A file system of a few pages mounted at `path`."""
    path.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], check=False)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(path)], check=True)


async def test_a_full_disk_refuses_every_caller_and_leaves_no_torn_line_behind(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk"):
        evidence = Evidence(tmp_path / "disk")
        journal = evidence.journal()
        await journal.record(decision(0))

        outcomes = await asyncio.gather(
            *(journal.record(decision(number, body={"text": "x" * 20_000})) for number in range(1, 40)),
            return_exceptions=True,
        )
        refused = [outcome for outcome in outcomes if outcome is not None]
        assert refused
        assert all(isinstance(outcome, RecordingFailed) for outcome in refused)

        for _ in range(40):
            try:
                await journal.record(decision(99))
                break
            except RecordingFailed:
                await asyncio.sleep(0.1)
        journal.close()
        report = evidence.verify()
        found = records(evidence)

    assert report.breaks == []
    assert report.notes == []
    assert "journal_recovered" in {record["code"] for record in found}
    assert "ex_99" in {record["exchange_id"] for record in found}


async def test_a_disk_that_fills_and_empties_again_is_written_to_again(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk"):
        evidence = Evidence(tmp_path / "disk")
        journal = evidence.journal()
        await journal.record(decision(0))
        ballast = tmp_path / "disk" / "ballast"
        with pytest.raises(OSError, match="No space"):
            ballast.write_bytes(b"x" * 2**20)

        async def fill() -> None:
            for number in range(1, 50):
                await journal.record(decision(number))

        with pytest.raises(RecordingFailed, match="No space left on device"):
            await fill()
        assert journal.failure == "No space left on device"
        with pytest.raises(RecordingFailed, match="No space left on device"):
            journal.enqueue(decision(50))

        ballast.unlink()
        for _ in range(40):
            if not journal.failure:
                break
            await asyncio.sleep(0.05)
        await journal.record(decision(51))
        journal.close()

        assert evidence.verify().intact
        assert [record["code"] for record in records(evidence)][-2:] == ["journal_recovered", ""]


async def test_a_read_only_disk_refuses_until_it_is_writable_again(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk"):
        evidence = Evidence(tmp_path / "disk")
        journal = evidence.journal()
        remount(tmp_path / "disk", "ro")

        with pytest.raises(RecordingFailed, match="Read-only file system"):
            await journal.record(decision(1))

        remount(tmp_path / "disk", "rw")
        for _ in range(40):
            if not journal.failure:
                break
            await asyncio.sleep(0.05)
        await journal.record(decision(2))
        journal.close()
        assert evidence.verify().intact


def test_a_read_only_folder_is_told_at_the_start(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk"):
        remount(tmp_path / "disk", "ro")
        journal = Journal(tmp_path / "disk" / "audit", new_writer(), key=tmp_path / "evidence.key")

        with pytest.raises(ConfigError, match="cannot be prepared"):
            journal.start()


def test_a_write_that_stops_in_the_middle_of_a_line_is_undone(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(0))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # the kernel writes what fits below the limit: a torn line
    resource.setrlimit(resource.RLIMIT_FSIZE, (evidence.live().stat().st_size + 100, before[1]))
    try:
        with pytest.raises(RecordingFailed, match="File too large"):
            journal.record_sync(decision(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for _ in range(40):
        if not journal.failure:
            break
        threading.Event().wait(0.05)
    journal.record_sync(decision(2))
    journal.close()

    assert [record["exchange_id"] for record in records(evidence)] == ["ex_0", "", "ex_2"]
    assert evidence.verify().intact


def test_records_that_nobody_waits_for_outlive_a_fault(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = evidence.journal(sign_seconds=3600)
    journal.record_sync(decision(0))
    broken = threading.Event()
    broken.set()
    real = os.fdatasync

    def failing(descriptor: int) -> None:
        if broken.is_set():
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", failing)
    journal.enqueue(decision(1))
    for _ in range(40):
        if journal.failure:
            break
        threading.Event().wait(0.05)
    assert journal.failure == "Input/output error"
    broken.clear()
    journal.close()

    assert [record["exchange_id"] for record in records(evidence)] == ["ex_0", "", "ex_1"]
    assert evidence.verify().intact


def test_closing_over_a_broken_disk_says_what_is_lost(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(evidence.root, new_writer(), key=evidence.key)
    journal.start()

    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    journal.enqueue(decision(1))

    with pytest.raises(RecordingFailed, match="1 records could not be written: Input/output error"):
        journal.close()


async def test_a_disk_that_hangs_refuses_within_the_bound(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.audit.journal.journal._DURABLE_SECONDS", 0.3)
    slow = evidence.journal(sign_seconds=3600)
    await slow.record(decision(0))
    free, real = threading.Event(), os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: (free.wait(20), real(descriptor))[1])
    try:
        begun = time.monotonic()
        answers = await asyncio.gather(
            *(slow.record(decision(number)) for number in (1, 2)), return_exceptions=True
        )
        took = time.monotonic() - begun
    finally:
        free.set()

    assert [type(answer) for answer in answers] == [RecordingFailed, RecordingFailed]
    assert "not durable within 0.3 s" in str(answers[0])
    assert took < 2
    await slow.record(decision(3))
    assert [record["exchange_id"] for record in records(evidence)] == ["ex_0", "ex_1", "ex_2", "ex_3"]


def test_a_key_that_others_may_read_is_refused(evidence: Evidence) -> None:
    evidence.journal()
    evidence.key.chmod(0o644)

    with pytest.raises(ConfigError, match="others may read"):
        evidence.journal()


def test_recording_takes_no_duckdb(evidence: Evidence) -> None:
    evidence.journal()
    code = f"""
import sys
from pathlib import Path
from gateway.audit import (Journal, Record, new_writer)
journal = Journal(Path({str(evidence.root)!r}), new_writer(), key=Path({str(evidence.key)!r}))
journal.start(); journal.record_sync(Record("gateway")); journal.close()
assert "duckdb" not in sys.modules
"""
    subprocess.run([os.sys.executable, "-c", code], check=True)


def test_a_full_disk_is_no_recovery_though_the_gap_would_fit(evidence: Evidence) -> None:
    """What fits into the last block says nothing of the next record."""
    full = threading.Event()
    tried = threading.Event()

    class FullDisk(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            if full.is_set() and len(data) > 2000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().write(descriptor, data)

        def is_full(self, path: Path) -> bool:
            tried.set()
            return full.is_set()

    journal = Journal(evidence.root, new_writer(), key=evidence.key, disk=FullDisk())
    journal.start()
    full.set()
    with pytest.raises(RecordingFailed, match="No space left"):
        journal.record_sync(replace(decision(1), body={"parts": [{"text": "x" * 3000}]}))
    tried.clear()
    assert tried.wait(60)
    assert "No space left" in journal.failure
    full.clear()
    until(lambda: not journal.failure)
    journal.record_sync(decision(2))
    journal.close()
