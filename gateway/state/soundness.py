"""Whether the state file still tells and takes revocations, asked of the file and not of a cache."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from gateway.errors import StateUnavailable

FRESH_SECONDS = 0.4
GRACE_SECONDS = 0.55  # for a lock that is held a moment; together under a second


class Soundness:
    """Probes one file when a caller needs to know, one probe at a time.

    A probe opens a connection of its own, so it reads no page from a cache. It takes the lock that a
    revocation takes: while another process keeps that lock, no key can be revoked, so none is believed.
    """

    def __init__(self, path: Path, check_file: Callable[[], None]) -> None:
        self._path = path
        self._check_file = check_file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state-probe")
        self._sound_at = float("-inf")
        self._keys = (0, 0)
        self._probing: asyncio.Future[None] | None = None

    async def proven(self) -> None:
        """Return when the file was sound a moment ago. Raises StateUnavailable within a second."""
        if time.monotonic() - self._sound_at < FRESH_SECONDS:
            return
        if self._probing is None or self._probing.done():
            self._probing = asyncio.get_running_loop().run_in_executor(self._thread, self.probe)
            self._probing.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await asyncio.shield(self._probing)
        except TimeoutError as error:
            raise StateUnavailable(f"state: no answer from {self._path} in {GRACE_SECONDS:g} s") from error

    def probe(self) -> None:
        """Read every key and take the write lock for a moment. Raises StateUnavailable."""
        begun = time.monotonic()
        self._check_file()
        try:
            with closing(self._connect()) as connection:
                found = connection.execute("SELECT count(*), count(revoked_at) FROM keys").fetchone()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StateUnavailable(f"state: {error}") from error
        self._compare(found)
        self._sound_at = begun

    def close(self) -> None:
        """Finish the probe that runs."""
        self._thread.shutdown()

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=GRACE_SECONDS, isolation_level=None)

    def _compare(self, found: tuple[int, int]) -> None:
        """Compare with the keys seen before: keys are never deleted, and a revoked key stays revoked."""
        if found[0] < self._keys[0] or found[1] < self._keys[1]:
            raise StateUnavailable(f"state: {self._path} was set back to an older copy; restart the gateway")
        self._keys = found
