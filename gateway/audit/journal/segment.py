"""One writer's chain on disk: born, then appended to its live segment a signed batch at a time."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from gateway.audit.files.folder import Folder, segment_name, split_segment
from gateway.audit.files.heads import Head, head_message
from gateway.audit.files.line import chain, with_signature
from gateway.audit.files.record import Draft
from gateway.audit.files.signing import Signer
from gateway.audit.journal.writers import sign_birth, sign_end
from gateway.errors import RegateError

_COARSE = 0.1  # seconds that a file's time may be behind the clock

_log = logging.getLogger("regate.audit")


class LiveChain:
    """Appends records to a writer's segments. Not for two threads at once.

    The live segment is locked (flock) for as long as its writer lives. After an OSError nothing of the batch
    counts: the next append first cuts off what may have reached the file. When the segment or the writer's
    birth was taken away, a fresh writer goes on: `rename` gives its name.
    """

    def __init__(
        self,
        folder: Folder,
        writer: str,
        *,
        segment_bytes: int,
        segment_seconds: float,
        rename: Callable[[], str],
        remember: Callable[[str], None],
    ) -> None:
        if split_segment(segment_name(writer, 1)) is None:
            raise ValueError(f"{writer!r} cannot name a writer: expected lower-case letters and digits")
        self._folder = folder
        self._disk = folder.disk
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._rename = rename
        self._remember = remember
        self._owed: set[str] = set()  # closed segments whose end is not signed yet
        self._descriptor = -1
        self._size = 0  # bytes that count
        self._birth = ""
        self._remembered = False
        self._path, self._log = "", str(folder.checkpoints)
        self._opened = self._opened_at = 0.0  # monotonic, and by the wall clock
        self._begin(writer)

    def start(self, signer: Signer) -> None:
        """Sign with this signer from now on."""
        self._signer = signer

    def register(self) -> None:
        """Register the writer: in the evidence, then where its folder cannot lose it. Raises OSError."""
        if not self._birth:
            self._noted = 0
            with suppress(FileNotFoundError):
                self._noted = self._folder.checkpoints.stat().st_size
            self._birth = sign_birth(self._folder, self._signer, self.writer)
            self._log_inode = self._folder.checkpoints.stat().st_ino
        if not self._remembered:
            try:
                self._remember(self.writer)
            except RegateError as error:
                raise OSError(f"the writer cannot be noted: {error}") from error
            self._remembered = True

    def append(self, drafts: Iterable[Draft]) -> None:
        """Write the drafts as one durable, signed batch. Raises OSError: then none is in the chain."""
        self.rotate_when_due()
        if self._descriptor < 0:
            self._open()
        self.mend()
        data, head = self._link(drafts)
        self._dirty = True
        self._disk.write(self._descriptor, data)
        self._disk.sync(self._descriptor)
        self._check_ours(self._size + len(data))
        self._dirty = False
        self._size += len(data)
        self.head = head

    def rotate_when_due(self) -> None:
        """Close the live segment when it is large, old or asked for; appending opens the next one."""
        aged = time.monotonic() - self._opened >= self._segment_seconds
        if self._size and (aged or self._size >= self._segment_bytes or self._asked()):
            self.close()

    def settle(self) -> None:
        """Sign the ends of closed segments that could not be signed yet. Raises OSError."""
        for segment in sorted(self._owed):
            sign_end(self._folder, self._signer, segment)
            self._owed.discard(segment)

    def close(self) -> None:
        """Give the segment up: the sealer may have it. Raises OSError when its end cannot be made clean."""
        if self._descriptor < 0:
            return
        self.mend()
        self.abandon()
        self._size = 0
        self._owed.add(self.head.segment)
        try:
            self.settle()
        except OSError as error:
            _log.error("the end of %s could not be signed yet: %s", self.head.segment, error)

    def abandon(self) -> None:
        """Let go of the file as a crash would; what may be torn at its end is cut off by the next start."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _begin(self, writer: str) -> None:
        """Begin as this writer, which is born with its first segment."""
        self.writer = writer
        self.head = Head()
        self._birth = ""
        self._remembered = False
        self._number = self._size = 0
        self._descriptor = -1
        self._dirty = False
        self._noted = 0  # bytes of the signed heads that were searched for our end

    def _asked(self) -> bool:
        """Return whether segments as old as this one are to be closed: something in them is to be erased."""
        try:
            return self._folder.rotate.stat().st_mtime + _COARSE >= self._opened_at
        except OSError:
            return False

    def _open(self) -> None:
        """Lock the next segment before it gets its name, so that it is not taken for a dead one.

        A link, not a rename: it never takes the place of a segment that is there.
        """
        self.register()
        segment = segment_name(self.writer, self._number + 1)
        path = self._folder.live(segment)
        draft = path.with_suffix(".opening")
        descriptor = self._disk.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        linked = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._disk.link(draft, path)
            linked = True
            self._disk.unlink(draft)
            self._disk.sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            for left in (draft, path) if linked else (draft,):
                with suppress(OSError):
                    self._disk.unlink(left)
            raise
        self._descriptor, self._size, self._dirty = descriptor, 0, False
        self._opened, self._opened_at = time.monotonic(), time.time()
        self._number += 1
        self._path = str(path)
        self.head = Head(segment, self.head.seq, self.head.hash, self.head.tree)

    def _check_ours(self, size: int) -> None:
        """Raise OSError, and begin as another writer, when what was written is not in this chain's segment.

        A sealer that took the writer for dead, or a hand, may have put another file in its place.
        """
        if reason := self._loss(size):
            segment = self.head.segment
            self.abandon()
            self._begin(self._rename())
            raise OSError(errno.ESTALE, f"{segment} is lost to its writer: {reason}")

    def _loss(self, size: int) -> str:
        own = os.fstat(self._descriptor)
        try:
            named, log = os.stat(self._path), os.stat(self._log)
        except FileNotFoundError as error:
            return f"{error.filename} is gone"
        if (named.st_ino, named.st_dev) != (own.st_ino, own.st_dev):
            return "another file has its name"
        if own.st_size != size:
            return f"it has {own.st_size} bytes, expected {size}"
        if log.st_ino != self._log_inode or log.st_size < self._noted:
            return "the signed heads with its birth were replaced"
        return "another process signed its end" if log.st_size > self._noted and self._is_ended() else ""

    def _is_ended(self) -> bool:
        """Return whether the lines of the log that are new since the last look end this segment."""
        with self._folder.checkpoints.open("rb") as log:
            log.seek(self._noted)
            whole = log.read().rpartition(b"\n")[0]
        self._noted += len(whole) + bool(whole)
        return b'{"kind":"end","segment":"%b"' % self.head.segment.encode() in whole

    def mend(self) -> None:
        """Cut off what a failed append left. Raises OSError."""
        if self._dirty:
            self._disk.truncate(self._descriptor, self._size)
            self._disk.sync(self._descriptor)
            self._dirty = False

    def _link(self, drafts: Iterable[Draft]) -> tuple[bytes, Head]:
        seq, prev, tree, lines = self.head.seq, self.head.hash, self.head.tree.copy(), []
        for made in drafts:
            seq += 1
            line, prev = chain(made, self.writer, seq, prev)
            tree.add(bytes.fromhex(prev))
            lines.append(line)
        message = head_message(self._birth, self.head.segment, seq, prev)
        lines[-1] = with_signature(lines[-1], self._signer.sign(message))
        return b"".join(lines), Head(self.head.segment, seq, prev, tree)
