"""The line of a record in its chain: written, proved, and withheld.

A line is one JSON object in a fixed order:

    {"writer":…,"seq":…, columns…, "salt":"…","body":{…},"commitment":"…","prev":"…","hash":"…"}

    commitment = SHA-256(salt as hex text ‖ body as it stands in the line)
    hash       = SHA-256(prev as 32 bytes ‖ the line without its salt, body and hash)

The last line of each durable batch ends in `,"signature":"…"}`, which belongs to no hash: the writer's
signature over the chain up to there.

The chain holds the body by its salted commitment only, so that a body can be taken out one day and the chain
still be proved. `prev` is the hash of the writer's line before; 64 zeros for its first.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import get_args

import orjson

from gateway.audit.files.record import Draft, RecordKind

GENESIS = "0" * 64

_TAIL = re.compile(rb',"commitment":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"}')
_TAIL_BYTES = len(',"commitment":"","prev":"","hash":""}') + 3 * 64
_SIGNATURE = re.compile(rb',"signature":"([0-9a-f]{128})"}')
_SIGNATURE_BYTES = len(',"signature":""}') + 128
_BODY = re.compile(rb',"salt":"([0-9a-f]{32})","body":')


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


def chain(made: Draft, writer: str, seq: int, prev: str) -> tuple[bytes, str]:
    """Return the line of a draft at its place in the chain, newline included, and the line's hash."""
    head = b'{"writer":"%b","seq":%d,%b' % (writer.encode(), seq, made.columns)
    commitment = hashlib.sha256(made.salt + made.body).hexdigest().encode()
    tail = b',"commitment":"%b","prev":"%b"' % (commitment, prev.encode())
    digest = hashlib.sha256(bytes.fromhex(prev) + head + tail + b"}").hexdigest()
    body = b',"salt":"%b","body":%b' % (made.salt, made.body)
    return b'%b%b%b,"hash":"%b"}\n' % (head, body, tail, digest.encode()), digest


def with_signature(line: bytes, signature: bytes) -> bytes:
    """Return a line of `chain` with a signature at its end."""
    return b'%b,"signature":"%b"}\n' % (line[:-2], signature.hex().encode())


def split_signature(line: bytes) -> tuple[bytes, str]:
    """Return a line (without its newline) as it was before it was signed, and its signature's digits."""
    found = _SIGNATURE.fullmatch(line, max(0, len(line) - _SIGNATURE_BYTES))
    return (line[: found.start()] + b"}", found[1].decode()) if found else (line, "")


def check(line: bytes) -> Link:
    """Prove one line (without its newline) in itself; its place is the caller's. Raises BrokenLine."""
    line, signature = split_signature(line)
    tail = _TAIL.fullmatch(line, max(0, len(line) - _TAIL_BYTES))
    # these bytes cannot stand inside a JSON string, and no column is called salt: the first is the one
    opening = _BODY.search(line)
    if tail is None or opening is None or opening.end() > tail.start():
        raise BrokenLine("it is not a whole record")
    commitment, prev, digest = (group.decode() for group in tail.groups())
    body = line[opening.end() : tail.start()]
    if hashlib.sha256(opening[1] + body).hexdigest() != commitment:
        raise BrokenLine("its body was changed")
    return _check_head(line[: opening.start()], line[tail.start() :], prev, digest, signature)


def withhold(line: bytes) -> bytes:
    """Return a sound line without its salt and body: the chain holds for it as well."""
    opening = _BODY.search(line)
    assert opening is not None
    return line[: opening.start()] + line[len(split_signature(line)[0]) - _TAIL_BYTES :]


def check_withheld(line: bytes) -> Link:
    """Prove a line whose salt and body were withheld. Raises BrokenLine."""
    line, signature = split_signature(line)
    start = max(0, len(line) - _TAIL_BYTES)
    tail = _TAIL.fullmatch(line, start)
    if tail is None:
        raise BrokenLine("it is not a whole record")
    _, prev, digest = (group.decode() for group in tail.groups())
    return _check_head(line[:start], line[start:], prev, digest, signature)


def is_withheld(line: bytes) -> bool:
    """Return whether a sound line has neither salt nor body."""
    return _BODY.search(line) is None


def check_either(line: bytes) -> Link:
    """Prove a line with its body, or one that goes without. Raises BrokenLine."""
    return check_withheld(line) if is_withheld(line) else check(line)


def _check_head(head: bytes, tail: bytes, prev: str, digest: str, signature: str) -> Link:
    unhashed = head + tail[: -len(',"hash":""}') - 64] + b"}"
    if hashlib.sha256(bytes.fromhex(prev) + unhashed).hexdigest() != digest:
        raise BrokenLine("it was changed")
    return _link(head, prev, digest, signature)


def _link(head: bytes, prev: str, digest: str, signature: str) -> Link:
    try:
        columns = orjson.loads(head + b"}")
    except orjson.JSONDecodeError as error:
        raise BrokenLine("it is not JSON") from error
    if columns.get("kind") not in get_args(RecordKind):
        raise BrokenLine("it is of no known kind")
    return Link(columns["writer"], columns["seq"], prev, digest, columns["recorded_at"], signature)
