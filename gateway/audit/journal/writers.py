"""The register of writers: `checkpoints.ndjson` says which chains are ours, and which segments are closed.

    birth   a writer exists from here on; what it signs names the digest of this line
    end     nothing more is written into this segment

A birth is durable before the writer's first record is. A line counts where the key in force signed it and it
follows the line before it, so that a birth copied from another folder does not count. An `end` that a sealer
signs for a dead writer is a claim: the writer looks for one before it acknowledges a batch, and the sealer
reads the segment after it has signed. So a writer that was taken for dead by mistake sees the claim and
refuses, or the sealer sees its records.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder, split_segment
from gateway.audit.files.heads import stamp
from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import Document, EndLine
from gateway.audit.files.signing import BadLine, Signer, Verifier
from gateway.audit.journal.process import Process, this_process

_CHUNK = 4 * 1024 * 1024  # a line is far shorter
_NOTED = re.compile(rb'^\{"kind":"(?:birth|end|rotation)",[^\n]*', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Birth:
    """A registered writer; `digest` is the SHA-256 of its signed line."""

    writer: str
    digest: str
    process: Process


def sign_birth(folder: Folder, signer: Signer, writer: str) -> str:
    """Register a writer of this process durably; returns its birth's digest. Raises OSError."""
    document = {
        "kind": "birth",
        "writer": writer,
        **asdict(this_process()),
        "signed_at": stamp(datetime.now(UTC)),
    }
    line = signed_log.append(folder.checkpoints, document, signer, folder.disk)
    return hashlib.sha256(line[:-1]).hexdigest()


def sign_end(folder: Folder, signer: Signer, segment: str) -> None:
    """Say durably that nothing more is written into a segment. Raises OSError."""
    document: EndLine = {"kind": "end", "segment": segment, "signed_at": stamp(datetime.now(UTC))}
    signed_log.append(folder.checkpoints, document, signer, folder.disk)


def read_birth(line: bytes, document: Document) -> Birth:
    """Return the birth that a checked line says. Raises KeyError and TypeError when it is none of ours."""
    process = Process(**{name: document[name] for name in Process.__dataclass_fields__})
    return Birth(document["writer"], hashlib.sha256(line).hexdigest(), process)


class Register:
    """Births and ends by the log as far as it was read. Each is checked; what does not hold is left out."""

    def __init__(self, folder: Folder, trusted: Verifier) -> None:
        self._folder = folder
        self._trusted = trusted
        self._forget()

    def read_ahead(self) -> None:
        """Take in what was appended since. Raises OSError."""
        with self._folder.checkpoints.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._offset:
                self._forget()
            file.seek(self._offset)
            while whole := file.read(_CHUNK).rpartition(b"\n")[0]:
                self._take(whole)
                self._offset += len(whole) + 1
                file.seek(self._offset)

    def of(self, segment: str) -> Birth | None:
        """Return the birth of a segment's writer; None when the writer is not registered."""
        place = split_segment(segment)
        return self.born.get(place[0]) if place else None

    def keys(self, birth: Birth) -> list[bytes]:
        """Return the public keys that may sign the writer's records: from its birth's key on."""
        born = self._place(self._since[birth.writer])
        return [key.raw for _, key in self._keys[born:]]

    def ring(self) -> list[Verifier]:
        """Return every key that was ever in force."""
        return [key for _, key in self._keys]

    def seal_keys(self) -> Sequence[tuple[int, Verifier]]:
        """Return the keys of the seals, each with the number of the first seal that it signs."""
        return follow_keys(self._rotations, self._trusted, _silent).seals

    def _forget(self) -> None:
        self.born: dict[str, Birth] = {}
        self.ended: set[str] = set()
        self._since: dict[str, int] = {}  # by writer: how many rotations came before its birth
        self._rotations: list[bytes] = []
        self._keys = [(0, self._trusted)]  # each from so many rotations on
        self._offset = 0
        self._last = b""

    def _take(self, whole: bytes) -> None:
        noted = list(_NOTED.finditer(whole))
        before = len(self._rotations)
        self._rotations += [found[0] for found in noted if found[0].startswith(b'{"kind":"rotation"')]
        if len(self._rotations) > before:
            self._keys = list(follow_keys(self._rotations, self._trusted, _silent).checkpoints)
        for found in noted:
            if found[0].startswith(b'{"kind":"rotation"'):
                before += 1
            else:
                self._note(found[0], self._line_before(whole, found.start()), before)
        self._last = whole[whole.rfind(b"\n") + 1 :]

    def _line_before(self, whole: bytes, start: int) -> bytes:
        return whole[whole.rfind(b"\n", 0, start - 1) + 1 : start - 1] if start else self._last

    def _note(self, line: bytes, last: bytes, rotations: int) -> None:
        try:
            document = self._keys[self._place(rotations)][1].read(line)
            if document["prev"] != (hashlib.sha256(last).hexdigest() if last else GENESIS):
                return
            if document["kind"] == "end":
                self.ended.add(document["segment"])
            else:
                birth = read_birth(line, document)
                self.born.setdefault(birth.writer, birth)
                self._since.setdefault(birth.writer, rotations)
        except (BadLine, KeyError, TypeError):
            return

    def _place(self, rotations: int) -> int:
        """Return which of the keys is in force behind so many rotations."""
        return max(place for place, (first, _) in enumerate(self._keys) if first <= rotations)


def is_free(segment: str, register: Register, *, all_hosts: bool = False) -> bool:
    """Return whether a segment may be taken from its writer: closed, or of a process of this host that ended.

    With `all_hosts` the caller answers for other hosts: their processes count as ended. The segment's lock
    is another condition, the caller's.
    """
    birth = register.of(segment)
    if birth is None:
        return False
    if not birth.process.is_near():
        return all_hosts
    return segment in register.ended or birth.process.is_gone()


def signed_head(folder: Folder, key: Sequence[Verifier], writer: str) -> tuple[int, str]:
    """Return the last head that a key signed for a writer: its record's number and hash; (0, "") for none.

    It is what vouches for a chain from before births were signed.
    """
    ours, found = b'{"kind":"head","writer":"%b",' % writer.encode(), (0, "")
    by_id = {each.key_id: each for each in key}
    for line in signed_log.lines(folder.checkpoints):
        if line.startswith(ours):
            try:
                document = by_id[orjson.loads(line)["key"]].read(line)
                found = max(found, (int(document["seq"]), str(document["hash"])))
            except (BadLine, ValueError, KeyError, TypeError):
                continue
    return found


def _silent(_reason: str, _line: int) -> None:
    """Leave it to `verify` to tell what is wrong with the log."""
