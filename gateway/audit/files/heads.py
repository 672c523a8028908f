"""Signed heads: of each writer's chain, and roots over the log of all of them.

A head says how far a chain goes, and the root of the Merkle tree over its records. A root is that of the
tree over every line of `checkpoints.ndjson` before it: its one signature covers every writer's records, and a
chain that is removed together with its heads no longer leads to it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import HeadLine, RootLine
from gateway.audit.files.merkle import Frontier
from gateway.audit.files.signed_log import LockedLog
from gateway.audit.files.signing import Signer

_CHUNK = 4 * 1024 * 1024  # a line is far shorter

_HEAD = re.compile(rb'\{"kind":"head","writer":"([a-z0-9]+)","segment":"[^"]*","seq":([0-9]+),')

_log = logging.getLogger("regate.audit")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a writer's chain; seq 0 before the first record."""

    segment: str = ""
    seq: int = 0
    hash: str = GENESIS
    tree: Frontier = field(default_factory=Frontier)


def head_message(birth: str, segment: str, seq: int, hash_: str) -> bytes:
    """Return what a writer signs behind each batch, in the batch's last line.

    `birth` ties it to the writer, the key and the folder, `segment` to the file that it stands in.
    """
    return f"regate head {birth} {segment} {seq} {hash_}".encode()


def sign_head(folder: Folder, signer: Signer, writer: str, head: Head) -> None:
    """Append a chain's signed head to the log. Raises OSError."""
    document: HeadLine = {
        "kind": "head",
        "writer": writer,
        "segment": head.segment,
        "seq": head.seq,
        "hash": head.hash,
        "tree": head.tree.root().hex(),
        "signed_at": stamp(datetime.now(UTC)),
    }
    signed_log.append(folder.checkpoints, document, signer, folder.disk)


class Roots:
    """Signs roots over the log. Any number of processes may: the log's lock lets one of them at a time."""

    def __init__(self, folder: Folder, signer: Signer, every: timedelta) -> None:
        self._folder = folder
        self._signer = signer
        self._every = every
        self._forget()

    def sign(self, *, now: datetime | None = None, due: bool = False) -> bytes | None:
        """Sign what no root covers yet, when it is due or the last root is old enough; returns the new line.

        Raises OSError.
        """
        now = now or datetime.now(UTC)
        self.read_ahead()
        with signed_log.locked(self._folder.checkpoints, self._folder.disk) as log:
            self._catch_up(log)
            if not self._uncovered or not (due or now - _signed_at(self._root) >= self._every):
                return None
            root: RootLine = {
                "kind": "root",
                "size": self._tree.size,
                "root": self._tree.root().hex(),
                "signed_at": stamp(now),
            }
            line = log.append(root, self._signer)
            self._catch_up(log)
            return line

    def read_ahead(self) -> None:
        """Take in what is there without holding up the writers: the first time that is the whole log."""
        with self._folder.checkpoints.open("rb") as file:
            file.seek(self._offset)
            while whole := file.read(_CHUNK).rpartition(b"\n")[0]:
                self._take(whole.split(b"\n"))
                file.seek(self._offset)

    def signed_seq(self, writer: str) -> int:
        """Return the writer's last record that a head names, as far as the log was read."""
        return self._signed.get(writer, 0)

    def _forget(self) -> None:
        self._signed: dict[str, int] = {}
        self._tree = Frontier()
        self._offset = 0
        self._uncovered = False
        self._root = b""

    def _catch_up(self, log: LockedLog) -> None:
        """Take in the lines that were appended since, by whichever process."""
        if log.end < self._offset:
            # not by this program; signing goes on, and `verify` against an anchor tells
            _log.error("%s is shorter than it was: signed heads were removed", self._folder.checkpoints)
            self._forget()
        self._take(log.read(self._offset).split(b"\n")[:-1])

    def _take(self, lines: list[bytes]) -> None:
        for line in lines:
            self._tree.add(line)
            self._offset += len(line) + 1
            self._uncovered = not is_root(line)
            if not self._uncovered:
                self._root = line
            elif head := _HEAD.match(line):
                writer = head[1].decode()
                self._signed[writer] = max(int(head[2]), self._signed.get(writer, 0))


def is_root(line: bytes) -> bool:
    return line.startswith(b'{"kind":"root"')


def stamp(now: datetime) -> str:
    """Write a time as lines have it: UTC, to the microsecond."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _signed_at(line: bytes) -> datetime:
    try:
        return datetime.fromisoformat(orjson.loads(line)["signed_at"])
    except (ValueError, KeyError, TypeError):  # none yet, or spoilt by hand: `verify` names it
        return datetime.min.replace(tzinfo=UTC)
