"""Sealing: closed segments become Parquet files, in an order that keeps every reader's counts exact.

1. The writer has closed the segment (or died): its lock is free.
2. A child process writes the Parquet file aside, proves it against the chain and syncs it.
3. It is renamed in, and the folder synced.
4. The seal is appended to `seals.ndjson`, visible five seconds later: queries that began before read the live
   segment, later ones the Parquet file.
5. A minute after that, a tombstone is renamed over the live segment: open readers keep the old file, a late
   one is told to run again (the `records` view raises).
6. Tombstones are removed at start-up only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

import gateway
from gateway.audit import signed_log
from gateway.audit.folder import Folder, is_tombstone, locked, split_segment, sync_folder, tombstone
from gateway.audit.journal import head_document
from gateway.audit.segment import Head, dead_segment
from gateway.audit.signing import load_signer
from gateway.errors import RegateError

# How long a tombstone stays at least: no reader's transaction is expected to be older.
_TOMBSTONE_AGE = timedelta(hours=1)

_log = logging.getLogger("regate.audit")


class SealingFailed(RegateError):
    """The sealer's child process could not do its work; nothing was sealed by halves."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one pass sealed, and refused with the reason; `busy` when another pass was running."""

    segments: tuple[str, ...] = ()
    refused: Mapping[str, str] | None = None
    busy: bool = False


class Sealer:
    """Seals what is closed. Any number of processes may have one: a lock lets one of them work at a time."""

    def __init__(self, root: Path, *, key: Path, settle_seconds: float = 5, bury_seconds: float = 60) -> None:
        self._folder = Folder(root)
        self._key = key
        self._settle = timedelta(seconds=settle_seconds)
        self._bury = timedelta(seconds=bury_seconds)
        self._refused: dict[str, str] = {}

    def start(self) -> None:
        """Prepare the folder, publish `audit.duckdb`, remove old tombstones and what a crash left aside.

        Raises ConfigError when the folder or the key cannot be used.
        """
        from gateway.audit.views import publish  # it imports DuckDB, which workers that only write do without

        self._folder.prepare()
        self._signer = load_signer(self._key)
        with self._alone() as alone:
            if alone:
                self._clear()
                publish(self._folder)

    def seal(self) -> Sealed:
        """One pass: seal what is closed, bury what is due. Raises SealingFailed, OSError."""
        with self._alone() as alone:
            if not alone:
                return Sealed(busy=True)
            seals = {seal["segment"]: seal for seal in read_seals(self._folder)}
            closed = self._closed(seals)
            done = tuple(self._admit(report) for report in self._write(closed) if self._acceptable(report))
            self._bury_due(seals)
            return Sealed(done, dict(self._refused))

    async def run(self, interval_seconds: float = 5) -> None:
        """Seal every so often until cancelled; a pass that fails is logged and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.seal)
            except (SealingFailed, OSError) as error:
                _log.error("sealing failed: %s", error)
            await asyncio.sleep(interval_seconds)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        descriptor = os.open(self._folder.sealer_lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with locked(descriptor) as taken:
                yield taken
        finally:
            os.close(descriptor)

    def _clear(self) -> None:
        for path in self._folder.sealed.glob("*.aside"):
            path.unlink()
        oldest = (datetime.now(UTC) - _TOMBSTONE_AGE).timestamp()
        for path in self._folder.live_files():
            if is_tombstone(path) and path.stat().st_mtime < oldest:
                path.unlink()

    def _closed(self, seals: Mapping[str, Any]) -> list[str]:
        """Whole segments that nobody writes any more. A torn one waits for a journal's start."""
        closed = []
        for path in self._folder.live_files():
            segment = path.stem
            if segment in seals or segment in self._refused or split_segment(segment) is None:
                continue
            if path.stat().st_size == 0 or not _ends_in_newline(path):
                continue
            with dead_segment(self._folder, segment) as dead:
                if dead is not None:
                    closed.append(segment)
        return closed

    def _write(self, segments: list[str]) -> list[dict[str, Any]]:
        if not segments:
            return []
        package = str(Path(gateway.__file__).parents[1])
        command = [sys.executable, "-P", "-m", "gateway.audit.seal_worker", str(self._folder.root), *segments]
        child = subprocess.run(  # noqa: S603 - our own module, no shell
            command,
            env={"PATH": os.defpath, "PYTHONPATH": package},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if child.returncode != 0:
            raise SealingFailed(
                f"the sealing process ended with {child.returncode}: {_last_line(child.stderr)}"
            )
        return [orjson.loads(line) for line in child.stdout.splitlines()]

    def _acceptable(self, report: Mapping[str, Any]) -> bool:
        if "error" not in report:
            return True
        self._refused[report["segment"]] = report["error"]
        _log.error("%s cannot be sealed: %s", report["segment"], report["error"])
        return False

    def _admit(self, report: dict[str, Any]) -> str:
        """Steps 3 and 4 for one proved file."""
        segment: str = report["segment"]
        target = self._folder.sealed / f"date={report.pop('date')}" / f"{segment}.parquet"
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.rename(self._folder.aside(segment), target)
        sync_folder(target.parent)
        sync_folder(self._folder.sealed)
        now = datetime.now(UTC)
        head = Head(segment, report["last_seq"], report["hash"])
        signed_log.append(
            self._folder.checkpoints, self._signer.line(head_document(report["writer"], head, now))
        )
        seal = {
            "kind": "seal",
            **report,
            "path": str(target.relative_to(self._folder.root)),
            "visible_at": (now + self._settle).isoformat(timespec="microseconds"),
        }
        signed_log.append(self._folder.seals, self._signer.line(seal))
        return segment

    def _bury_due(self, seals: Mapping[str, Mapping[str, Any]]) -> None:
        """Step 5. The seal's own time goes into the tombstone: it tells which readers came too late."""
        now = datetime.now(UTC)
        for segment, seal in seals.items():
            live = self._folder.live(segment)
            if datetime.fromisoformat(seal["visible_at"]) + self._bury > now:
                continue
            if not live.exists() or is_tombstone(live):
                continue
            made = live.with_suffix(".tombstone")
            made.touch(mode=0o600)
            made.write_bytes(tombstone(segment, seal["visible_at"]))
            os.rename(made, live)


def read_seals(folder: Folder) -> list[dict[str, Any]]:
    """Every seal, unchecked, in the order they were made. Raises SealingFailed when one cannot be read."""
    try:
        return [orjson.loads(line) for line in signed_log.lines(folder.seals)]
    except orjson.JSONDecodeError as error:
        # sealing on would give a segment a second seal
        raise SealingFailed(f"{folder.seals}: {error}; see regate audit verify") from error


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _last_line(stderr: bytes) -> str:
    return stderr.decode(errors="replace").strip().rpartition("\n")[2]
