"""The journal of one process: callers hand in records, one thread writes batches and syncs once a batch."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gateway.audit.files.disk import Disk
from gateway.audit.files.folder import Folder
from gateway.audit.files.record import Record, draft
from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.callers import QueuedRecord, settle
from gateway.audit.journal.head_signing import HeadSigning
from gateway.audit.journal.segment import LiveChain
from gateway.audit.journal.torn_tails import TornTail, cut_torn_tails
from gateway.errors import RecordingFailed

_BATCH_BYTES = 8 * 1024 * 1024
_TICK_SECONDS = 1.0
_RETRY_SECONDS = 0.25
_LINGER_SECONDS = 0.01  # for which a record that no caller waits for may wait to go along with the next batch
_DURABLE_SECONDS = 10.0
_NO_SPACE = os.strerror(errno.ENOSPC)

_Done = TypeVar("_Done", "Future[None]", "asyncio.Future[None]")

_log = logging.getLogger("regate.audit")


def new_writer() -> str:
    """Make a writer id for this process: never used before, naming neither host nor process."""
    return f"w{secrets.token_hex(5)}"


class Journal:
    """Appends records to a hash chain under the audit folder.

    While the disk does not take them, every record is refused (`failure` says why) and the journal tries
    again four times a second; the first line after such a time records it. Records handed in without waiting
    are kept meanwhile, as far as the queue is long. `remember` is told each writer that is born, durably,
    before its first record counts.
    """

    def __init__(
        self,
        root: Path,
        writer: str,
        *,
        key: Path,
        segment_bytes: int = 64 * 1024 * 1024,
        segment_seconds: float = 3600,
        sign_seconds: float = 60,
        queue_records: int = 10_000,
        queue_bytes: int = 64 * 1024 * 1024,
        disk: Disk | None = None,
        remember: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = Folder(root, disk)
        self._key = key
        self._chain = LiveChain(
            self._folder,
            writer,
            segment_bytes=segment_bytes,
            segment_seconds=segment_seconds,
            rename=new_writer,
            remember=remember,
        )
        self._signing = HeadSigning(self._folder, self._chain, sign_seconds)
        self._queue_records = queue_records
        self._queue_bytes = queue_bytes
        self._queue: deque[QueuedRecord] = deque()
        self._queued_bytes = 0
        self._wake = threading.Condition()
        self._closing = False
        self._urgent = False  # a caller waits for something in the queue
        self._lingers = False  # a batch was just written, and others may follow soon
        self._thread = threading.Thread(target=self._run, name=f"journal-{writer}", daemon=True)
        self._failure = "the journal is not started"
        self._refused = 0

    @property
    def writer(self) -> str:
        """The chain's name; another one once a segment was lost to this process."""
        return self._chain.writer

    @property
    def failure(self) -> str:
        """Why records are refused at the moment; empty when they are taken."""
        return self._failure

    @property
    def crowded(self) -> bool:
        """Whether records that belong to no exchange should be left out: the disk is behind, or fails."""
        return (
            bool(self._failure)
            or len(self._queue) * 4 > self._queue_records
            or (self._queued_bytes * 4 > self._queue_bytes)
        )

    def start(self, *, register: bool = True) -> None:
        """Prepare the folder, cut off what dead writers left torn, and take records from now on.

        Without `register` the writer is born with its first record only. Raises ConfigError when the folder
        or the key cannot be used.
        """
        self._folder.prepare()
        signer = open_signer(self._key, self._folder)
        self._chain.start(signer)
        self._signing.start(signer)
        self._failure = ""
        try:
            if register:
                self._chain.register()
            for tail in cut_torn_tails(self._folder, signer, self._note_cut):
                _log.warning("cut a torn tail of %d bytes off %s", tail.bytes, tail.segment)
        except OSError as error:
            self._fail([], error)
        self._thread.start()

    async def record(self, record: Record) -> None:
        """Write a record; it is durable when this returns. Raises RecordingFailed, also when that takes long.

        A late record may still be written: of an act that was then refused, never the other way about.
        """
        await self.begin(record)

    def begin(self, record: Record) -> Coroutine[Any, Any, None]:
        """Begin what `record` does; what is returned must be awaited before anything acts on the record."""
        return self._durable(self._submit(record, asyncio.get_running_loop().create_future()))

    def record_sync(self, record: Record) -> None:
        """Do as `record` does, for callers without an event loop."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()
        self._submit(record, done).result()

    def enqueue(self, record: Record) -> None:
        """Hand a record in, in order, and do not wait for the disk. Raises RecordingFailed."""
        self._put(QueuedRecord(draft(record, datetime.now(UTC)), None))

    def close(self) -> None:
        """Write what is queued, sign the head, close the segment. Raises RecordingFailed over lost ones."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        if lost := len(self._queue):
            raise RecordingFailed(f"{lost} records could not be written: {self._failure}")
        self._failure = "the journal is closed"

    async def _durable(self, done: asyncio.Future[None]) -> None:
        try:
            async with asyncio.timeout(_DURABLE_SECONDS):
                await done
        except TimeoutError as error:
            raise RecordingFailed(f"the record was not durable within {_DURABLE_SECONDS:g} s") from error

    def _submit(self, record: Record, done: _Done) -> _Done:
        self._put(QueuedRecord(draft(record, datetime.now(UTC)), done))
        return done

    def _put(self, entry: QueuedRecord) -> None:
        with self._wake:
            if self._failure or self._closing:
                self._refused += 1
                raise RecordingFailed(
                    f"the record cannot be written: {self._failure or 'the journal is closed'}"
                )
            if len(self._queue) >= self._queue_records or self._queued_bytes >= self._queue_bytes:
                raise RecordingFailed("the record cannot be written: the journal's queue is full")
            self._queue.append(entry)
            self._queued_bytes += len(entry.draft)
            self._urgent = self._urgent or entry.done is not None
            if self._is_due():
                self._wake.notify()

    def _run(self) -> None:
        try:
            while not self._step():
                pass
        except BaseException as error:
            # a dead thread must refuse its callers, not leave them waiting
            _log.exception("the journal's thread died")
            self._fail(self._take(len(self._queue)), error)
            self._chain.abandon()
            raise

    def _step(self) -> bool:
        """Write one batch, or do what is due while there is none; True when all is done."""
        with self._wake:
            pause = _LINGER_SECONDS if self._lingers else _TICK_SECONDS
            self._wake.wait_for(self._is_due, timeout=_RETRY_SECONDS if self._failure else pause)
            ending, lingered, self._lingers = self._closing, self._lingers, False
        if self._failure:
            self._recover()
        elif batch := self._take(_BATCH_BYTES):
            self._write(batch)
            self._lingers = True
        elif not lingered or ending:
            self._tidy()
        if not ending or (self._queue and not self._failure):
            return False
        self._end()
        return True

    def _is_due(self) -> bool:
        """Return whether to go on at once: a batch takes along what was queued without a waiting caller."""
        waits = self._urgent or (self._queue and not self._lingers)
        return self._closing or (bool(waits) and not self._failure)

    def _take(self, limit: int) -> list[QueuedRecord]:
        batch: list[QueuedRecord] = []
        taken = 0
        with self._wake:
            while self._queue and taken < limit:
                batch.append(self._queue.popleft())
                taken += len(batch[-1].draft)
            self._queued_bytes -= taken
            self._urgent = self._urgent and bool(self._queue)
        return batch

    def _write(self, batch: Sequence[QueuedRecord]) -> None:
        try:
            self._chain.append(entry.draft for entry in batch)
        except OSError as error:
            self._fail(batch, error)
            return
        except BaseException as error:
            self._fail(batch, error)  # its callers are refused before the thread dies
            raise
        settle(batch, "")
        self._signing.sign_when_due()

    def _fail(self, batch: Sequence[QueuedRecord], error: BaseException) -> None:
        """Refuse the callers that wait; keep, in order, the records without a waiting caller."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        with self._wake:
            self._failure = reason
            entries = [*batch, *self._queue]
            self._queue = deque(entry for entry in entries if not entry.done)
            self._queued_bytes = sum(len(entry.draft) for entry in self._queue)
        waiting = [entry for entry in entries if entry.done]
        self._refused += len(waiting)
        _log.error("the journal cannot write: %s", reason)
        settle(waiting, f"the record cannot be written: {reason}")

    def _recover(self) -> None:
        """Write what is kept behind a record of the gap; when that works, records are taken again.

        On a full disk the gap alone may still fit into the segment's last block, and nothing after it.
        """
        gap = Record(
            kind="gateway",
            code="journal_recovered",
            body={"failure": self._failure, "refused": self._refused},
        )
        try:
            self._chain.mend()
            if self._failure == _NO_SPACE and self._folder.disk.is_full(self._folder.root):
                return
            self._chain.append([draft(gap, datetime.now(UTC)), *(entry.draft for entry in self._queue)])
        except OSError as error:
            self._failure = error.strerror or str(error)
            return
        with self._wake:
            self._queue.clear()
            self._queued_bytes = self._refused = 0
            self._urgent = False
            self._failure = ""
        _log.warning("the journal writes again")

    def _tidy(self) -> None:
        try:
            self._chain.rotate_when_due()
        except OSError as error:
            self._fail([], error)
        self._signing.sign_when_due()
        try:
            self._chain.settle()
        except OSError as error:
            _log.error("the end of a segment could not be signed: %s", error)

    def _end(self) -> None:
        self._signing.sign()
        try:
            self._chain.close()
        except OSError as error:
            _log.error("the last segment may be torn: %s", error)
            self._chain.abandon()

    def _note_cut(self, tail: TornTail) -> None:
        """Record a torn tail before it is cut off. Raises OSError."""
        found = Record(kind="gateway", code="torn_tail_cut", body=asdict(tail))
        self._chain.append([draft(found, datetime.now(UTC))])
