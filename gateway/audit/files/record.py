"""A record and the line it becomes: the columns, the committed body, the hash chain.

A line is one JSON object in a fixed order:

    {"writer":…,"seq":…, columns…, "salt":"…","body":{…},"commitment":"…","prev":"…","hash":"…"}

    commitment = SHA-256(salt as hex text ‖ body as it stands in the line)
    hash       = SHA-256(prev as 32 bytes ‖ the line without its salt, body and hash)

The last line of each durable batch ends in `,"signature":"…"}`, which belongs to no hash: the writer's
signature over the chain up to there.

The body is in the chain by its salted commitment only, so that a body can be taken out one day and the chain
still be proved. `prev` is the hash of the writer's line before; 64 zeros for its first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
import orjson

from gateway.errors import RecordingFailed

RecordKind = Literal["decision", "forwarded", "completion", "refusal", "approval", "shadow", "gateway"]

GENESIS = "0" * 64
MAX_LINE = 16 * 1024 * 1024

# The typed columns of a line in their order, with their DuckDB types. Everything else is in `body`.
COLUMNS: dict[str, str] = {
    "writer": "VARCHAR",
    "seq": "BIGINT",
    "recorded_at": "TIMESTAMPTZ",
    "kind": "VARCHAR",
    "exchange_id": "VARCHAR",
    "session_id": "VARCHAR",
    "decision_id": "VARCHAR",
    "agent": "VARCHAR",
    "owner": "VARCHAR",
    "on_behalf_of": "VARCHAR",
    "provider": "VARCHAR",
    "dialect": "VARCHAR",
    "model": "VARCHAR",
    "method": "VARCHAR",
    "path": "VARCHAR",
    "phase": "VARCHAR",
    "action": "VARCHAR",
    "enforced": "BOOLEAN",
    "revision": "VARCHAR",
    "status": "INTEGER",
    "code": "VARCHAR",
    "approval_id": "VARCHAR",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cost": "DOUBLE",
    "duration_ms": "DOUBLE",
    "key_id": "VARCHAR",
    "source_ip": "VARCHAR",
    "forwarded_at": "TIMESTAMPTZ",
    "bytes_sent": "BIGINT",
    "sent_digest": "VARCHAR",
    "findings": (
        'STRUCT(entity VARCHAR, category VARCHAR, count INTEGER, "distinct" INTEGER, "new" INTEGER, '
        "max_score DOUBLE, roles VARCHAR[], kinds VARCHAR[], treatment VARCHAR)[]"
    ),
    "reasons": "STRUCT(rule VARCHAR, title VARCHAR, message VARCHAR, severity VARCHAR, controls VARCHAR[])[]",
    "commitment": "VARCHAR",
    "prev": "VARCHAR",
    "hash": "VARCHAR",
}

# NULL where the value is not known, or where there is none.
NULLABLE = ("key_id", "source_ip", "forwarded_at", "bytes_sent", "sent_digest")

_TAIL = re.compile(rb',"commitment":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"}')
_TAIL_BYTES = len(',"commitment":"","prev":"","hash":""}') + 3 * 64
_SIGNATURE = re.compile(rb',"signature":"([0-9a-f]{128})"}')
_SIGNATURE_BYTES = len(',"signature":""}') + 128
_BODY = re.compile(rb',"salt":"([0-9a-f]{32})","body":')


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of evidence. Empty strings and -1 stand for what does not apply or was not reached, and None
    for it in the columns of `NULLABLE`.

    `findings` holds rows of `exchange.FindingRow`'s shape, `reasons` rows of `decision.Reason`'s. `body` is
    any JSON object; its `parts`, a list of {role, kind, pointer, digest, new, text?}, is what the views put a
    prompt together from: `text` is there the first time its session sends it.
    """

    kind: RecordKind
    exchange_id: str = ""
    session_id: str = ""
    decision_id: str = ""
    agent: str = ""
    owner: str = ""
    on_behalf_of: str = ""
    provider: str = ""
    dialect: str = ""
    model: str = ""
    method: str = ""
    path: str = ""
    phase: str = ""
    action: str = ""
    enforced: bool = True
    revision: str = ""
    status: int = -1
    code: str = ""
    approval_id: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()
    input_tokens: int = -1
    output_tokens: int = -1
    cost: float = -1
    duration_ms: float = -1
    key_id: str | None = None
    source_ip: str | None = None
    forwarded_at: datetime | None = None
    bytes_sent: int | None = None
    sent_digest: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as bytes that wait for their place in the chain."""

    columns: bytes
    salt: bytes
    body: bytes

    def __len__(self) -> int:
        return len(self.columns) + len(self.body) + 512  # the rest of a line is bounded by less than that


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


def draft(record: Record, now: datetime) -> Draft:
    """Encode a record. Raises RecordingFailed when it does not encode or is over 16 MiB."""
    try:
        row = msgspec.convert(record, _Row, from_attributes=True)
        columns = orjson.dumps(
            {"recorded_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **msgspec.to_builtins(row)}
        )
        made = Draft(columns[1:-1], os.urandom(16).hex().encode(), _json(record.body))
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordingFailed(f"the record cannot be encoded: {error}") from error
    if len(made) > MAX_LINE:
        raise RecordingFailed(f"the record is too large: {len(made)} bytes, expected at most {MAX_LINE}")
    return made


def chain(made: Draft, writer: str, seq: int, prev: str) -> tuple[bytes, str]:
    """The line of a draft at its place in the chain, newline included, and the line's hash."""
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
    """A sound line without its salt and body: the chain holds for it as well."""
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
    """Whether a sound line has neither salt nor body."""
    return _BODY.search(line) is None


def check_either(line: bytes) -> Link:
    """Prove a line with its body, or one that goes without. Raises BrokenLine."""
    return check_withheld(line) if is_withheld(line) else check(line)


def _check_head(head: bytes, tail: bytes, prev: str, digest: str, signature: str) -> Link:
    unhashed = head + tail[: -len(',"hash":""}') - 64] + b"}"
    if hashlib.sha256(bytes.fromhex(prev) + unhashed).hexdigest() != digest:
        raise BrokenLine("it was changed")
    return _link(head, prev, digest, signature)


# DuckDB reads a value that its column cannot hold as NULL, silently: such a record is refused when it is
# written.
_Int = Annotated[int, msgspec.Meta(ge=-1, le=2**31 - 1)]
_Long = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
_Double = Annotated[float, msgspec.Meta(ge=-1, le=1e300)]


class _Finding(msgspec.Struct, forbid_unknown_fields=True):
    entity: str
    category: str = ""
    count: _Int = 0
    distinct: _Int = 0
    new: _Int = 0
    max_score: _Double = 0
    roles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    treatment: str | None = None


FINDING_FIELDS = _Finding.__struct_fields__


class _Reason(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    title: str = ""
    message: str = ""
    severity: str = ""
    controls: tuple[str, ...] = ()


class _Row(msgspec.Struct):
    """A record's columns, checked."""

    kind: RecordKind
    exchange_id: str
    session_id: str
    decision_id: str
    agent: str
    owner: str
    on_behalf_of: str
    provider: str
    dialect: str
    model: str
    method: str
    path: str
    phase: str
    action: str
    enforced: bool
    revision: str
    status: _Int
    code: str
    approval_id: str
    input_tokens: _Long
    output_tokens: _Long
    cost: _Double
    duration_ms: _Double
    key_id: str | None
    source_ip: str | None
    forwarded_at: datetime | None
    bytes_sent: _Long | None
    sent_digest: str | None
    findings: tuple[_Finding, ...]
    reasons: tuple[_Reason, ...]


def _json(body: Mapping[str, Any]) -> bytes:
    """Compact UTF-8; integers over 64 bits, which orjson refuses, by the standard library."""
    if not isinstance(body, dict):
        raise TypeError("expected the body to be an object")
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _link(head: bytes, prev: str, digest: str, signature: str) -> Link:
    try:
        columns = orjson.loads(head + b"}")
    except orjson.JSONDecodeError as error:
        raise BrokenLine("it is not JSON") from error
    if columns.get("kind") not in get_args(RecordKind):
        raise BrokenLine("it is of no known kind")
    return Link(columns["writer"], columns["seq"], prev, digest, columns["recorded_at"], signature)
