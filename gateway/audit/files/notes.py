"""Signed notes and checkpoints of transparency logs, as C2SP writes them (signed-note, tlog-checkpoint).

regate.example/audit                      the log's origin
42                                        lines of checkpoints.ndjson
6u5c…=                                    the root of the tree over them, in base64

— regate.example/audit Xz1…=              key hash ‖ Ed25519 signature over the text above
— witness.example/w1 3Rk…=                key hash ‖ time ‖ signature (cosignature/v1)
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from gateway.audit.files.signing import Signer, Verifier

ED25519, COSIGNATURE = b"\x01", b"\x04"
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class NoteKey:
    """The public key of a log or a witness, by its name."""

    name: str
    algorithm: bytes
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Read a key as it is handed out: `name+hash+key`. Raises ValueError."""
        found = _VKEY.fullmatch(text)
        try:
            data = b64decode(found[3], validate=True) if found else b""
        except Error:
            data = b""
        if not found or data[:1] not in (ED25519, COSIGNATURE) or len(data) != 33:
            raise ValueError(f"found {text!r}; expected a key of Ed25519 like name+1a2b3c4d+BASE64")
        key = cls(found[1], data[:1], data[1:])
        if str(key) != text:
            raise ValueError(f"found {text!r}, whose hash is not that of its key; expected {key}")
        return key

    @property
    def hash(self) -> bytes:
        """The four bytes that signatures name the key by."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.algorithm + self.raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{b64encode(self.algorithm + self.raw).decode()}"

    def line(self, signature: bytes) -> str:
        """Return a signature as a line of a note."""
        return f"— {self.name} {b64encode(self.hash + signature).decode()}\n"

    def signed(self, note: str) -> bool:
        """Return whether this key signed the note: as a log, or as a witness."""
        text, _, signatures = note.partition("\n\n")
        return any(self._fits(f"{text}\n", signature) for signature in self._signatures(signatures))

    def _fits(self, text: str, signature: bytes) -> bool:
        message = text.encode()
        if self.algorithm == COSIGNATURE:
            at, signature = int.from_bytes(signature[:_TIME_BYTES], "big"), signature[_TIME_BYTES:]
            message = b"cosignature/v1\ntime %d\n%b" % (at, message)
        return Verifier.from_raw(self.raw).signed(message, signature)

    def _signatures(self, lines: str) -> Iterator[bytes]:
        for line in lines.splitlines():
            if line.startswith(f"— {self.name} "):
                try:
                    data = b64decode(line.rpartition(" ")[2], validate=True)
                except Error:
                    continue
                if data.startswith(self.hash):
                    yield data[4:]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and the root of a log, as its note says them."""

    origin: str
    size: int
    root: str  # in hexadecimal digits

    @classmethod
    def of(cls, origin: str, root: bytes) -> Checkpoint:
        """Return the checkpoint of a signed root of ours, a line."""
        said = orjson.loads(root)
        return cls(origin, said["size"], said["root"])

    @classmethod
    def read(cls, note: str) -> Checkpoint:
        """Return what a note says. Raises ValueError."""
        origin, size, root, *_ = note.split("\n")
        return cls(origin, int(size), b64decode(root, validate=True).hex())

    def note(self, signer: Signer) -> str:
        """Return it as a note that our key signed. Raises OSError."""
        text = f"{self.origin}\n{self.size}\n{b64encode(bytes.fromhex(self.root)).decode()}\n"
        signature = signer.sign(text.encode())
        return f"{text}\n{log_key(self.origin, signer.verifier).line(signature)}"


def log_key(origin: str, verifier: Verifier) -> NoteKey:
    """Return the key that witnesses and auditors know our log by."""
    return NoteKey(origin, ED25519, verifier.raw)
