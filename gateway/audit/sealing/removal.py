"""Taking content out of the evidence, on the record: bodies by order, whole files when their time is over.

Both are signed lines of `seals.ndjson`:

    order     what goes: a session's or an agent's bodies up to a time, also from segments sealed later,
              or parts and names of single records, its targets
    erasure   a sealed file was written anew without some bodies or names, and what its SHA-256 is now
    dropped   a sealed file went whole; its seal still says where each chain was, so the rest follows
    hold      a legal hold: what it covers is neither erased nor dropped until its `release`

A record without its body or its names is still in the chain, which holds their commitment only.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

import gateway
from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.log_lines import Drop, Erasure, Seal, SealLine
from gateway.audit.files.signing import Signer
from gateway.audit.sealing.orders import LegalHold, Order, holds_in_force
from gateway.errors import RegateError
from gateway.processes import run


class RemovalFailed(RegateError):
    """A sealed file could not be written anew; it stays as it is, and the order stands."""


class RewriteRequest(msgspec.Struct, frozen=True):
    """What the remover's child process is to do: leave out of one sealed file what the orders name.

    Not what is on hold. With only `holds`, it tells whether the file has a record on hold.
    """

    root: str
    path: str
    orders: tuple[Order, ...] = ()
    holds: tuple[LegalHold, ...] = ()


class Rewritten(msgspec.Struct, frozen=True):
    """What the child process did: of how many records bodies and names went, and the SHA-256 of the new file.

    `held` records are on hold: what is to go of them is still there.
    """

    bodies: int = 0
    names: int = 0
    held: int = 0
    parquet_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Removals:
    """What the log says was taken out, by the paths of sealed files.

    `erased` holds the SHA-256s of a file that was written anew, as sealed first, as it is now last.
    """

    erased: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    def awaits(self, path: str, sha256: str) -> bool:
        """Return whether the file is still the one before an erasure: its process was stopped or is busy."""
        return sha256 in self.erased.get(path, ())[:-1]


def read_removals(lines: Iterable[SealLine]) -> Removals:
    """Read the removals from the lines of `seals.ndjson`, in order."""
    sealed: dict[str, str] = {}
    erased: dict[str, list[str]] = {}
    dropped: set[str] = set()
    for line in lines:
        if line["kind"] == "seal":
            sealed[line["path"]] = line["parquet_sha256"]
        elif line["kind"] == "erasure":
            erased.setdefault(line["path"], [sealed[line["path"]]]).append(line["parquet_sha256"])
        elif line["kind"] == "dropped":
            dropped.add(line["path"])
    return Removals(erased, frozenset(dropped))


def told_removals(lines: Sequence[SealLine], since: str = "") -> list[str]:
    """Say what the log's lines took out of the evidence since a time, each day's on a line."""
    records = {
        line["path"]: sum(each["last_seq"] - each["first_seq"] + 1 for each in line["segments"])
        for line in lines
        if line["kind"] == "seal"
    }
    dropped: Counter[str] = Counter()
    erased: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for line in lines:
        if line["kind"] == "dropped" and line["dropped_at"] >= since:
            dropped[line["dropped_at"][:10]] += records[line["path"]]
        elif line["kind"] == "erasure" and line["erased_at"] >= since:
            erased[line["erased_at"][:10]] += line["bodies"]
            names[line["erased_at"][:10]] += line.get("names", 0)
    return [
        *(f"{count:,} records dropped by retention on {day}" for day, count in dropped.items()),
        *(f"{count:,} bodies erased by order on {day}" for day, count in erased.items() if count),
        *(f"names of {count:,} records erased by order on {day}" for day, count in names.items() if count),
    ]


class Remover:
    """Carries orders and retention out on sealed files. One process at a time: the sealer's lock."""

    def __init__(self, folder: Folder, retention: timedelta | None) -> None:
        self._folder = folder
        self._retention = retention
        # files in which an order, by its place in the log, finds nothing (any more)
        self._looked: set[tuple[str, int]] = set()

    def recover(self, lines: Sequence[SealLine]) -> None:
        """Finish what a crash interrupted, and delete the empty files that stand for dropped ones."""
        for line in lines:
            if line["kind"] == "erasure":
                self._put_in(line)
            elif line["kind"] == "dropped" and (path := self._folder.root / line["path"]).exists():
                self._folder.disk.unlink(path)

    def run(self, lines: Sequence[SealLine], signer: Signer) -> int:
        """Pass once over every sealed file; return of how many records bodies went.

        Raises RemovalFailed, OSError.
        """
        gone = {line["path"] for line in lines if line["kind"] == "dropped"}
        seals = [line for line in lines if line["kind"] == "seal" and line["path"] not in gone]
        orders = {
            place: msgspec.convert(line, Order) for place, line in enumerate(lines) if line["kind"] == "order"
        }
        holds = holds_in_force(lines)
        for seal in self._past(seals):
            if not self._is_held(seal, holds):
                self._drop(seal, signer)
        return sum(self._erase(seal, orders, holds, signer) for seal in seals)

    def _is_held(self, seal: Seal, holds: Sequence[LegalHold]) -> bool:
        """Return whether the file has a record on hold, so that it may not be dropped."""
        return bool(holds) and self._rewrite(seal["path"], (), holds).held > 0

    def _past(self, seals: Iterable[Seal]) -> Iterator[Seal]:
        if self._retention is not None:
            end = stamp(datetime.now(UTC) - self._retention)
            yield from (seal for seal in seals if all(each["last_at"] < end for each in seal["segments"]))

    def _drop(self, seal: Seal, signer: Signer) -> None:
        """Sign that the file goes, then empty it: readers that have listed it still find a file."""
        folder, path = self._folder, self._folder.root / seal["path"]
        line: Drop = {"kind": "dropped", "path": seal["path"], "dropped_at": stamp(datetime.now(UTC))}
        signed_log.append(folder.seals, line, signer, folder.disk)
        draft = folder.draft(f"{path.stem}-dropped")
        folder.disk.replace(path, folder.no_records.read_bytes(), draft, 0o400)
        folder.disk.sync_folder(path.parent)

    def _erase(
        self, seal: Seal, orders: Mapping[int, Order], holds: Sequence[LegalHold], signer: Signer
    ) -> int:
        path = seal["path"]
        due = {
            place: order
            for place, order in orders.items()
            if (path, place) not in self._looked and order.covers(seal)
        }
        if not due or not (self._folder.root / path).exists():
            return 0
        made = self._rewrite(path, tuple(due.values()), holds)
        if made.parquet_sha256:
            line: Erasure = {
                "kind": "erasure",
                "path": path,
                "parquet_sha256": made.parquet_sha256,
                "bodies": made.bodies,
                "names": made.names,
                "erased_at": stamp(datetime.now(UTC)),
            }
            signed_log.append(self._folder.seals, line, signer, self._folder.disk)
            self._put_in(line)
        if not made.held:
            self._looked |= {(path, place) for place in due}
        return made.bodies

    def _rewrite(self, path: str, orders: tuple[Order, ...], holds: Sequence[LegalHold]) -> Rewritten:
        """Write the file in a child process, whose memory and DuckDB go with it."""
        request = RewriteRequest(str(self._folder.root), path, orders, tuple(holds))
        child = run(
            Path(sys.executable),
            "-P",
            Path(__file__).with_name("removal_worker.py"),
            stdin=msgspec.json.encode(request),
            env={"PATH": os.defpath, "PYTHONPATH": str(Path(gateway.__file__).parents[1])},
        )
        if child.returncode != 0:
            reason = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise RemovalFailed(f"{path}: bodies could not be erased: {reason}")
        return msgspec.json.decode(child.stdout, type=Rewritten)

    def _put_in(self, line: Erasure) -> None:
        """Rename the file without bodies over the one with them, unless that was done."""
        path = self._folder.root / line["path"]
        made = anew(self._folder, path, line["parquet_sha256"])
        if made.exists():
            self._folder.disk.rename(made, path)
            self._folder.disk.sync_folder(path.parent)


def anew(folder: Folder, path: Path, sha256: str) -> Path:
    """Return where the file that is to replace a sealed file lies until it does."""
    return folder.sealed / f"{path.stem}-{sha256[:16]}.anew"
