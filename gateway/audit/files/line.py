"""The line of a record in its chain: written, proved, and withheld.

A line is one JSON object in a fixed order:

    {"writer":…,"seq":…, columns…, "salt":"…",names…,"body":{…},"commitment":"…","prev":"…","hash":"…"}

    commitment = SHA-256(SHA-256(salt's first half ‖ names) ‖ SHA-256(salt's second half ‖ body))
    hash       = SHA-256(prev as 32 bytes ‖ the line without its salt, names, body and hash)

Each half of the salt is 32 digits; names and body count as they stand in the line. The last line of each
durable batch ends in `,"signature":"…"}`, which belongs to no hash: the writer's signature over the chain up
to there.

The chain holds names and body by their salted commitment only, so that either can be taken out one day and
the chain still be proved. Then `withheld` stands in place of the salt:

    "withheld":{"at":"…","order":"…","names":"…","body":"…"}

with 32 digits, the salt, of what still stands as it was written, and 64 digits, the commitment, of what does
not: what stands there then is proved by the signed erasure alone. A body that went whole is not there.

`prev` is the hash of the writer's line before; 64 zeros for its first. In lines from before names were apart,
which are read as they are, the names are columns like others, and commitment = SHA-256(salt ‖ body).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import get_args

import orjson

from gateway.audit.files.record import Draft, RecordKind

GENESIS = "0" * 64

_TAIL = re.compile(rb',"commitment":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"}')
_TAIL_BYTES = len(',"commitment":"","prev":"","hash":""}') + 3 * 64
_SIGNATURE = re.compile(rb',"signature":"([0-9a-f]{128})"}')
_SIGNATURE_BYTES = len(',"signature":""}') + 128
# These bytes cannot stand inside a JSON string, and no column has such a name: the first are the ones.
_OPENING = re.compile(
    rb',"(?:salt":"([0-9a-f]{32})([0-9a-f]{32})?"'
    rb'|withheld":\{"at":"[0-9TZ:.-]*","order":"[a-z0-9_]*","names":"((?:[0-9a-f]{32}){0,2})",'
    rb'"body":"((?:[0-9a-f]{32}){1,2})"\})'
)
_BODY = b',"body":'


class BrokenLine(ValueError):
    """A line that is not what its writer wrote; the message says how it shows."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a sound line says about its place in the chain."""

    writer: str
    seq: int
    prev: str
    hash: str
    recorded_at: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line taken apart. The proofs of names and body are 32 digits of salt, or 64 of a commitment.

    `names` and `body` are empty where they went or never were; `whole` lines have nothing withheld.
    """

    head: bytes
    names_proof: bytes
    names: bytes
    body_proof: bytes
    body: bytes
    tail: bytes
    signature: str
    whole: bool

    def withheld(self, at: str = "", order: str = "") -> bytes:
        """Return the line as it stands once something of it is withheld, and when and why it was."""
        said = b',"withheld":{"at":"%b","order":"%b","names":"%b","body":"%b"}' % (
            at.encode(),
            order.encode(),
            self.names_proof,
            self.body_proof,
        )
        names, body = self.names and b"," + self.names, self.body and _BODY + self.body
        line = self.head + said + names + body + self.tail
        return b'%b,"signature":"%b"}' % (line[:-1], self.signature.encode()) if self.signature else line

    def bare(self) -> bytes:
        """Return the line as it stood without names and body before what is withheld said so."""
        return self.head + self.tail

    def proved(self) -> OpenLine:
        """Return it without what its hash does not prove: what stands in place of what went."""
        return replace(
            self,
            names=self.names if len(self.names_proof) == 32 else b"",
            body=self.body if len(self.body_proof) == 32 else b"",
        )

    def without_body(self, kept: bytes = b"") -> OpenLine:
        """Return it with another body, or with none; the chain holds for it as well."""
        return replace(self, body_proof=_leaf(self.body_proof, self.body).hex().encode(), body=kept)

    def without_names(self, kept: bytes) -> OpenLine:
        """Return it with other names; a line from before names were apart keeps them, in its hash."""
        if not self.names_proof:
            return self
        return replace(self, names_proof=_leaf(self.names_proof, self.names).hex().encode(), names=kept)


def chain(made: Draft, writer: str, seq: int, prev: str) -> tuple[bytes, str]:
    """Return the line of a draft at its place in the chain, newline included, and the line's hash."""
    head = b'{"writer":"%b","seq":%d,%b' % (writer.encode(), seq, made.columns)
    leaves = _leaf(made.salt[:32], made.names) + _leaf(made.salt[32:], made.body)
    commitment = hashlib.sha256(leaves).hexdigest().encode()
    tail = b',"commitment":"%b","prev":"%b"' % (commitment, prev.encode())
    digest = hashlib.sha256(bytes.fromhex(prev) + head + tail + b"}").hexdigest()
    body = b',"salt":"%b",%b%b%b' % (made.salt, made.names, _BODY, made.body)
    return b'%b%b%b,"hash":"%b"}\n' % (head, body, tail, digest.encode()), digest


def with_signature(line: bytes, signature: bytes) -> bytes:
    """Return a line of `chain` with a signature at its end."""
    return b'%b,"signature":"%b"}\n' % (line[:-2], signature.hex().encode())


def split_signature(line: bytes) -> tuple[bytes, str]:
    """Return a line (without its newline) as it was before it was signed, and its signature's digits."""
    found = _SIGNATURE.fullmatch(line, max(0, len(line) - _SIGNATURE_BYTES))
    return (line[: found.start()] + b"}", found[1].decode()) if found else (line, "")


def check(line: bytes) -> Link:
    """Prove one whole line (without its newline) in itself; its place is the caller's. Raises BrokenLine."""
    opened = open_line(line)
    if not opened.whole:
        raise BrokenLine("it is not a whole record")
    return _proved(opened)


def check_either(line: bytes) -> Link:
    """Prove a line that is whole, or one of which something is withheld. Raises BrokenLine."""
    return _proved(open_line(line))


def open_line(line: bytes) -> OpenLine:
    """Take a line apart, without proving it. Raises BrokenLine when it is none."""
    line, signature = split_signature(line)
    end = max(0, len(line) - _TAIL_BYTES)
    if _TAIL.fullmatch(line, end) is None:
        raise BrokenLine("it is not a whole record")
    opening, tail = _OPENING.search(line, 0, end), line[end:]
    if opening is None:  # withheld before what is withheld said so
        commitment = tail[len(',"commitment":"') :][:64]
        return OpenLine(line[:end], b"", b"", commitment, b"", tail, signature, whole=False)
    names, _, body = line[opening.end() : end].partition(_BODY)
    whole = opening[1] is not None
    first, second = (opening[1], opening[2]) if whole else (opening[3], opening[4])
    if whole and second is None:
        first, second = b"", first
    if (
        (len(first) < 64 and bool(first) != bool(names))
        or (whole and not body)
        or names[:1] not in (b"", b",")
    ):
        raise BrokenLine("it is not a whole record")
    return OpenLine(line[: opening.start()], first, names[1:], second, body, tail, signature, whole)


def _proved(opened: OpenLine) -> Link:
    commitment, prev, digest = (found.decode() for found in _TAIL.fullmatch(opened.tail).groups())  # type: ignore[union-attr]  # it was taken off as such
    body = _leaf(opened.body_proof, opened.body)
    names = _leaf(opened.names_proof, opened.names) if opened.names_proof else b""
    if (hashlib.sha256(names + body).digest() if names else body).hex() != commitment:
        raise BrokenLine("its body was changed")
    unhashed = opened.head + opened.tail[: -len(',"hash":""}') - 64] + b"}"
    if hashlib.sha256(bytes.fromhex(prev) + unhashed).hexdigest() != digest:
        raise BrokenLine("it was changed")
    return _link(opened.head, prev, digest, opened.signature)


def _leaf(proof: bytes, data: bytes) -> bytes:
    """Return the commitment to names or a body: made with the salt, or as it stands in place of it."""
    return bytes.fromhex(proof.decode()) if len(proof) == 64 else hashlib.sha256(proof + data).digest()


def _link(head: bytes, prev: str, digest: str, signature: str) -> Link:
    try:
        columns = orjson.loads(head + b"}")
    except orjson.JSONDecodeError as error:
        raise BrokenLine("it is not JSON") from error
    if columns.get("kind") not in get_args(RecordKind):
        raise BrokenLine("it is of no known kind")
    return Link(columns["writer"], columns["seq"], prev, digest, columns["recorded_at"], signature)
