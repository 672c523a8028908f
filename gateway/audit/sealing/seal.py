"""Sealing: closed segments become Parquet files, in an order that keeps every reader's counts exact.

1. The writer is registered, and has closed the segment or died: its lock is free, and its end is signed.
2. A child process writes the Parquet file aside, proves it against the chain and syncs it.
3. It is renamed in, and the folder synced.
4. The seal is appended to `seals.ndjson`, visible five seconds later: queries that began before read the live
   segments, later ones the Parquet file.
5. A minute after that, a tombstone is renamed over each live segment: open readers keep the old file, a late
   one is told to run again (the `records` view raises).
6. Tombstones are removed at start-up only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

import gateway
from gateway.audit.files import signed_log
from gateway.audit.files.disk import Disk, file_sha256
from gateway.audit.files.folder import Folder, is_tombstone, tombstone
from gateway.audit.files.heads import Head, Roots, sign_head
from gateway.audit.files.locks import locked
from gateway.audit.files.log_lines import Seal, SealedSegment
from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.writers import Register, sign_end, signed_head
from gateway.audit.reading.sql import QueryFailed
from gateway.audit.sealing.anchor import Anchor
from gateway.audit.sealing.log import SealingFailed, SealLog
from gateway.audit.sealing.plan import (
    End,
    SealReport,
    SealRequest,
    Voucher,
    closed_segments,
    plan,
    seal_ends,
)
from gateway.audit.sealing.removal import RemovalFailed, Remover
from gateway.audit.sealing.retention import order_due
from gateway.audit.sealing.timestamp import Timestamps
from gateway.audit.sealing.witness import Witnesses
from gateway.config import Config, RetentionRule, TimestampAuthority, Witness
from gateway.processes import run

__all__ = ["Sealed", "Sealer", "SealingFailed"]

# How long a tombstone stays at least: no reader's transaction is expected to be older.
_TOMBSTONE_AGE = timedelta(hours=1)
_RULED = timedelta(days=1)

_log = logging.getLogger("regate.audit")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one pass sealed, and refused with the reason; `busy` when another pass was running."""

    segments: tuple[str, ...] = ()
    refused: Mapping[str, str] | None = None
    busy: bool = False


class Sealer:
    """Seals what is closed and signs roots. A lock lets one of all processes work at a time.

    Small segments wait until the oldest is `gather_seconds` old and go into one file together.
    """

    def __init__(
        self,
        root: Path,
        *,
        key: Path,
        anchor: str = "",
        anchor_token: str = "",
        settle_seconds: float = 5,
        bury_seconds: float = 60,
        gather_seconds: float = 3600,
        sign_seconds: float = 60,
        retention: timedelta | None = None,
        rules: Sequence[RetentionRule] = (),
        origin: str = "",
        witnesses: Sequence[Witness] = (),
        timestamps: TimestampAuthority | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._folder = Folder(root, disk)
        self._key = key
        self.anchor = Anchor(anchor, self._folder, anchor_token)
        self.witnesses = Witnesses(origin, witnesses, self._folder)
        self.timestamps = Timestamps(timestamps, self._folder)
        self._settle = timedelta(seconds=settle_seconds)
        self._bury = timedelta(seconds=bury_seconds)
        self._gather = timedelta(seconds=gather_seconds)
        self._sign = timedelta(seconds=sign_seconds)
        self._refused: dict[str, str] = {}
        self._remover = Remover(self._folder, retention)
        self._rules = rules
        self._ruled = datetime.min.replace(tzinfo=UTC)  # when the rules were last applied

    @classmethod
    def of(cls, config: Config) -> Sealer:
        """Return the sealer that the configuration asks for. Raises ConfigError."""
        audit = config.audit
        return cls(
            config.audit_path,
            key=config.evidence_key_path,
            anchor=audit.anchor,
            anchor_token=audit.anchor_token,
            retention=audit.kept,
            rules=audit.retention_rules,
            origin=audit.origin,
            witnesses=audit.witnesses,
            timestamps=audit.timestamps,
        )

    def well(self) -> bool:
        """Return whether anchor, witnesses and timestamps have the last root, as far as they are asked."""
        return self.anchor.well() and self.witnesses.well() and self.timestamps.well()

    def start(self) -> None:
        """Prepare the folder, publish `audit.duckdb`, remove old tombstones and what a crash left aside.

        Raises ConfigError when the folder or the key cannot be used.
        """
        from gateway.audit.reading.views import (
            publish,  # it imports DuckDB, which workers that only write do without
        )

        self._folder.prepare()
        self._signer = open_signer(self._key, self._folder)
        self._roots = Roots(self._folder, self._signer, self._sign)
        self._register = Register(self._folder, self._signer.verifier)
        self._log = SealLog(self._folder, self._register)
        with self._alone() as alone:
            if alone:
                self._mend()
                try:
                    self._remover.recover(self._log.lines())
                except SealingFailed as error:  # recording goes on, and each pass tells it again
                    _log.error("nothing is sealed, erased or dropped: %s", error)
                self._clear()
                publish(self._folder)

    def seal(self, *, everything: bool = False, sign: bool = False, all_hosts: bool = False) -> Sealed:
        """Pass once: seal what is closed, bury what is due, sign a root when one is due.

        With `everything`, small and new segments do not wait; with `sign`, the root does not; with
        `all_hosts`, segments of other hosts are sealed too. Raises SealingFailed, OSError.
        """
        with self._alone() as alone:
            if not alone:
                return Sealed(busy=True)
            self._mend()
            self._roots.read_ahead()
            seals = self._seals()
            done, failed = self._seal_closed(seals, everything, all_hosts)
            self._bury_due(seals)
            self._apply_rules()
            self._remover.run(self._log.lines(), self._signer)
            root = self._roots.sign(due=bool(done) or sign)
        if root:
            self.anchor.put(root)
            self.witnesses.put(root, self._signer)
            self.timestamps.put(root)
        if failed:
            raise SealingFailed(failed)
        return Sealed(done, dict(self._refused))

    def unburied(self) -> bool:
        """Return whether a sealed segment still stands as it was written, beside its sealed file."""
        sealed = {each["segment"] for seal in self._seals() for each in seal["segments"]}
        return any(path.stem in sealed and not is_tombstone(path) for path in self._folder.live_files())

    async def run(self, interval_seconds: float = 5) -> None:
        """Seal every so often until the task ends; a pass that fails is logged and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.seal)
            except (SealingFailed, RemovalFailed, QueryFailed, OSError) as error:
                _log.error("sealing failed: %s", error)
            await asyncio.sleep(interval_seconds)

    def _apply_rules(self) -> None:
        """Order what is due by the rules to go, once a day: the question reads everything that was said."""
        now = datetime.now(UTC)
        if self._rules and now - self._ruled >= _RULED:
            order_due(self._folder, self._signer, self._rules)
            self._ruled = now

    def _seals(self) -> list[Seal]:
        return [line for line in self._log.lines() if line["kind"] == "seal"]

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        descriptor = os.open(self._folder.sealer_lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with locked(descriptor, self._folder.sealer_lock) as taken:
                yield taken
        finally:
            os.close(descriptor)

    def _clear(self) -> None:
        folder = self._folder
        left = (
            folder.journal.glob("*.opening"),
            folder.journal.glob("*.tombstone"),
            *(folder.sealed.glob(name) for name in ("*.aside", "*.anew", "*.lines", "*.made")),
        )
        for path in (path for paths in left for path in paths):
            folder.disk.unlink(path)
        oldest = (datetime.now(UTC) - _TOMBSTONE_AGE).timestamp()
        for path in folder.live_files():
            if is_tombstone(path) and path.stat().st_mtime < oldest:
                folder.disk.unlink(path)

    def _mend(self) -> None:
        """Cut a torn line off the seals before they are read."""
        with signed_log.locked(self._folder.seals, self._folder.disk):
            pass

    def _seal_closed(
        self, seals: Sequence[Seal], everything: bool, all_hosts: bool
    ) -> tuple[tuple[str, ...], str]:
        """Seal the closed segments; return those that were sealed, and why others could not be this time."""
        ends = seal_ends(seals)
        sealed = {each["segment"] for seal in seals for each in seal["segments"]}
        closed = closed_segments(
            self._folder, sealed | self._refused.keys(), self._register, self._claim, all_hosts
        )
        found = {writer: self._voucher(writer) for writer in {each.writer for each in closed}}
        writers = {writer: voucher for writer, voucher in found.items() if voucher}
        strange = [each.segment for each in closed if each.writer not in writers]
        self._refuse(dict.fromkeys(strange, "no birth of its writer is signed"))
        closed = [each for each in closed if each.writer in writers]
        last = {writer: number for writer, (number, _) in ends.items()}
        files = plan(closed, last, timedelta(0) if everything else self._gather)
        done: list[str] = []
        failed = ""
        for report in self._write(ends, files, writers) if files else ():
            self._refuse(report.refused)
            failed = report.failed or failed
            if report.segments:
                done += self._admit(report)
        return tuple(done), failed

    def _claim(self, segment: str) -> None:
        """Sign the end of a dead writer's segment. Raises OSError."""
        sign_end(self._folder, self._signer, segment)

    def _voucher(self, writer: str) -> Voucher | None:
        """Return what vouches for a writer's records; None when nothing of ours does.

        Its birth, which each batch's signature names; of a chain from before births, its last signed head.
        """
        if birth := self._register.born.get(writer):
            return Voucher(birth.digest, tuple(key.hex() for key in self._register.keys(birth)))
        seq, digest = signed_head(self._folder, self._register.ring(), writer)
        return Voucher(seq=seq, hash=digest) if seq else None

    def _write(
        self,
        ends: Mapping[str, tuple[int, End]],
        files: list[list[str]],
        writers: dict[str, Voucher],
    ) -> Iterable[SealReport]:
        reached = {writer: end for writer, (_, end) in ends.items()}
        request = SealRequest(str(self._folder.root), reached, files, writers)
        package = str(Path(gateway.__file__).parents[1])
        child = run(
            Path(sys.executable),
            "-P",
            Path(__file__).with_name("worker.py"),
            stdin=msgspec.json.encode(request),
            env={"PATH": os.defpath, "PYTHONPATH": package},
        )
        if child.returncode != 0:
            raise SealingFailed(
                f"the sealing process ended with {child.returncode}: {_last_line(child.stderr)}"
            )
        return [msgspec.json.decode(line, type=SealReport) for line in child.stdout.splitlines()]

    def _refuse(self, refused: Mapping[str, str]) -> None:
        for segment, reason in refused.items():
            self._refused[segment] = reason
            _log.error("%s cannot be sealed: %s", segment, reason)

    def _admit(self, report: SealReport) -> list[str]:
        """Take steps 3 and 4 for one proved file."""
        folder, disk = self._folder, self._folder.disk
        target = folder.sealed / f"date={report.date}" / f"{report.file}.parquet"
        disk.make_folder(target.parent)
        disk.rename(folder.draft(report.file), target)
        disk.sync_folder(target.parent)
        disk.sync_folder(folder.sealed)
        for each in report.segments:
            self._sign_end(each)
        visible_at = datetime.now(UTC) + self._settle
        seal: Seal = {
            "kind": "seal",
            "file": report.file,
            "path": str(target.relative_to(folder.root)),
            "parquet_sha256": report.parquet_sha256,
            "segments": report.segments,
            "visible_at": visible_at.isoformat(timespec="microseconds"),
        }
        signed_log.append(folder.seals, seal, self._signer, disk)
        return [each["segment"] for each in report.segments]

    def _sign_end(self, sealed: SealedSegment) -> None:
        """Sign the head at a segment's end unless its writer did."""
        if self._roots.signed_seq(sealed["writer"]) < sealed["last_seq"]:
            tree = End.of(sealed).tree()
            head = Head(sealed["segment"], sealed["last_seq"], sealed["hash"], tree)
            sign_head(self._folder, self._signer, sealed["writer"], head)

    def _bury_due(self, seals: Sequence[Seal]) -> None:
        """Take step 5. The seal's own time goes into the tombstone: it tells which readers came too late."""
        now = datetime.now(UTC)
        sealed = {each["segment"]: (seal, each) for seal in seals for each in seal["segments"]}
        for live in self._folder.live_files():
            seal, segment = sealed.get(live.stem, (None, None))
            if (
                seal is None
                or segment is None
                or live.stem in self._refused
                or datetime.fromisoformat(seal["visible_at"]) + self._bury > now
                or is_tombstone(live)
            ):
                continue
            if file_sha256(live) != segment["live_sha256"]:
                self._refuse({live.stem: "it was changed since it was sealed, so it is not buried"})
                continue
            buried = tombstone(live.stem, seal["visible_at"])
            self._folder.disk.replace(live, buried, live.with_suffix(".tombstone"))


def _last_line(stderr: bytes) -> str:
    return stderr.decode(errors="replace").strip().rpartition("\n")[2]
