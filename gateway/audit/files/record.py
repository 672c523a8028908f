"""A record: its columns, each with type, bounds and meaning in one place, and the bytes that it becomes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import orjson
from msgspec import Meta

from gateway.errors import RecordingFailed

RecordKind = Literal["decision", "forwarded", "completion", "refusal", "approval", "shadow", "gateway"]

MAX_LINE = 16 * 1024 * 1024

# DuckDB reads a value that its column cannot hold as NULL, silently: such a record is refused when it is
# written.
_Int = Annotated[int, Meta(ge=-1, le=2**31 - 1, extra={"duckdb": "INTEGER"})]
_Long = Annotated[int, Meta(ge=-1, le=2**63 - 1, extra={"duckdb": "BIGINT"})]
_Double = Annotated[float, Meta(ge=-1, le=1e300)]
_DUCKDB = {str: "VARCHAR", bool: "BOOLEAN", float: "DOUBLE", datetime: "TIMESTAMPTZ"}
_RESERVED = ("distinct", "new")  # words of SQL, which a type quotes


def _says(meaning: str) -> Meta:
    return Meta(description=meaning)


class FindingColumns(msgspec.Struct, forbid_unknown_fields=True):
    """One row of the column `findings`."""

    entity: Annotated[str, _says("what was found, as in `EMAIL_ADDRESS`")]
    category: Annotated[str, _says("`pii`, `secret`, `code`, `injection`, `custom`")] = ""
    count: Annotated[_Int, _says("how often")] = 0
    distinct: Annotated[_Int, _says('how many different values (quote the name: `"distinct"`)')] = 0
    new: Annotated[_Int, _says("how often in new parts")] = 0
    max_score: Annotated[_Double, _says("the highest score")] = 0
    roles: Annotated[tuple[str, ...], _says("the roles of the parts")] = ()
    kinds: Annotated[tuple[str, ...], _says("the kinds of the parts")] = ()
    treatment: Annotated[
        str | None,
        _says(
            "what this decision did to it: `masked`, `redacted`, `passed` (the value itself may go on, "
            "once at least) or `refused` (nothing of the prompt or completion may)"
        ),
    ] = None


class ReasonColumns(msgspec.Struct, forbid_unknown_fields=True):
    """One row of the column `reasons`."""

    rule: Annotated[str, _says("the rule that spoke")]
    title: Annotated[str, _says("the rule's title")] = ""
    message: Annotated[str, _says("what it says to people")] = ""
    severity: Annotated[str, _says("how grave: `low`, `medium`, `high` or `critical`")] = ""
    controls: Annotated[tuple[str, ...], _says("the controls it serves")] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of evidence: its columns in their order, and the body.

    Empty strings and -1 stand for what does not apply or was not reached, and None in the columns of
    `NULLABLE`. `body` is any JSON object; its `parts`, a list of {role, kind, pointer, digest, new, text?},
    is what the views put a prompt together from: `text` is there the first time its session sends it.
    """

    kind: Annotated[RecordKind, _says("what the record is about")]
    exchange_id: Annotated[str, _says("the exchange")] = ""
    session_id: Annotated[str, _says("the session")] = ""
    decision_id: Annotated[str, _says("the decision, as in `X-Regate-Decision-Id`")] = ""
    agent: Annotated[str, _says("the calling agent")] = ""
    owner: Annotated[str, _says("the person who answers for the agent's key")] = ""
    on_behalf_of: Annotated[str, _says("the end user; `delegation` says how they are known")] = ""
    provider: Annotated[str, _says("the configured provider")] = ""
    dialect: Annotated[str, _says("the wire format")] = ""
    model: Annotated[str, _says("the model that was asked for")] = ""
    method: Annotated[str, _says("HTTP method")] = ""
    path: Annotated[str, _says("normalized path, findings replaced")] = ""
    phase: Annotated[str, _says("`request` or `response`")] = ""
    action: Annotated[str, _says("`allow`, `mask`, `require_approval` or `deny`")] = ""
    enforced: Annotated[bool, _says("false in a dry run: the action was recorded and not carried out")] = True
    revision: Annotated[str, _says("the policy revision")] = ""
    status: Annotated[_Int, _says("HTTP status, when there was one")] = -1
    code: Annotated[str, _says("the error code, unless all went well")] = ""
    approval_id: Annotated[str, _says("the approval that spoke for it")] = ""
    input_tokens: Annotated[_Long, _says("as the provider counted, when it did")] = -1
    output_tokens: Annotated[_Long, _says("as the provider counted, when it did")] = -1
    cost: Annotated[
        _Double,
        _says("what the tokens cost at the provider's configured prices, when that is known"),
    ] = -1
    duration_ms: Annotated[_Double, _says("milliseconds since the exchange began")] = -1
    key_id: Annotated[str | None, _says("the key that the agent called with; NULL without one")] = None
    delegation: Annotated[
        str | None,
        _says("how the end user is known: `asserted` by the agent, or `proved` by a token; NULL without one"),
    ] = None
    source_ip: Annotated[
        str | None, _says("the address that the request came from; NULL when it has none")
    ] = None
    tags: Annotated[
        Mapping[str, str] | None,
        _says("what the header `X-Regate-Tags` said, values masked, as in `tags['team']`; NULL without one"),
    ] = None
    forwarded_at: Annotated[
        datetime | None,
        _says("when the gateway began to send it to the provider; NULL when it is not known to have"),
    ] = None
    bytes_sent: Annotated[
        _Long | None,
        _says("how many bytes of body went to the provider; NULL when none is known to have gone"),
    ] = None
    sent_digest: Annotated[
        str | None, _says("HMAC of the body that was sent, under the server's key, in hex")
    ] = None
    findings: Annotated[
        tuple[Mapping[str, object], ...],
        _says("what was found, one row an entity, as in the view `findings`"),
    ] = ()
    reasons: Annotated[
        tuple[Mapping[str, object], ...], _says("why, one row a reason, as in the view `reasons`")
    ] = ()
    body: Annotated[Mapping[str, object], _says("the record's body as JSON")] = field(default_factory=dict)


def _meanings(record: type) -> dict[str, str]:
    """Return what each field of a class means."""
    hints = get_type_hints(record, include_extras=True)
    return {
        name: next(meta.description for meta in hint.__metadata__ if meta.description)
        for name, hint in hints.items()
    }


def _duckdb(hint: Any) -> str:
    """Return the DuckDB type that holds a field of this type."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        named = [meta.extra["duckdb"] for meta in notes if meta.extra]
        return named[0] if named else _duckdb(inner)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        inner = get_type_hints(hint, include_extras=True)
        return f"STRUCT({', '.join(f'{_quoted(name)} {_duckdb(kind)}' for name, kind in inner.items())})"
    if get_origin(hint) is tuple:
        return f"{_duckdb(get_args(hint)[0])}[]"
    if get_origin(hint) is Literal:
        return "VARCHAR"
    if get_origin(hint) is Mapping:
        return f"MAP({', '.join(map(_duckdb, get_args(hint)))})"
    found = [_duckdb(kind) for kind in get_args(hint) if kind is not type(None)]
    return found[0] if found else _DUCKDB[hint]


def _quoted(name: str) -> str:
    return f'"{name}"' if name in _RESERVED else name


MEANINGS = _meanings(Record)
FINDING_MEANINGS = _meanings(FindingColumns)
REASON_MEANINGS = _meanings(ReasonColumns)
FINDING_FIELDS = FindingColumns.__struct_fields__

_CHECKED = {
    **{name: hint for name, hint in get_type_hints(Record, include_extras=True).items() if name != "body"},
    "findings": tuple[FindingColumns, ...],
    "reasons": tuple[ReasonColumns, ...],
}
_Row = msgspec.defstruct("_Row", list(_CHECKED.items()))  # a record's columns, checked

# The typed columns of a line in their order, with their DuckDB types. Everything else is in `body`.
COLUMNS: dict[str, str] = {
    "writer": "VARCHAR",
    "seq": "BIGINT",
    "recorded_at": "TIMESTAMPTZ",
    **{name: _duckdb(hint) for name, hint in _CHECKED.items()},
    "commitment": "VARCHAR",
    "prev": "VARCHAR",
    "hash": "VARCHAR",
}
# What stands for "does not apply" or "was not reached" in a stored record, as SQL: the views give NULL there.
SENTINELS: Mapping[str, str] = {
    column.name: "''" if column.default == "" else "-1"
    for column in fields(Record)
    if column.default in ("", -1)
}
# Who a record is about, and what the caller said of it. They stand apart in its line, so that they can go.
NAMES = ("owner", "on_behalf_of", "source_ip", "tags")
# NULL where the value is not known, or where there is none.
NULLABLE = tuple(column.name for column in fields(Record) if column.default is None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as bytes that wait for their place in the chain."""

    columns: bytes
    salt: bytes
    names: bytes
    body: bytes

    def __len__(self) -> int:
        # the rest of a line is bounded by less than that
        return len(self.columns) + len(self.names) + len(self.body) + 512


def draft(record: Record, now: datetime) -> Draft:
    """Encode a record. Raises RecordingFailed when it does not encode or is over 16 MiB."""
    try:
        row = msgspec.convert(record, _Row, from_attributes=True)
        said = {"recorded_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **msgspec.to_builtins(row)}
        names = orjson.dumps({name: said.pop(name) for name in NAMES})
        columns = orjson.dumps(said)
        made = Draft(columns[1:-1], os.urandom(32).hex().encode(), names[1:-1], encode_body(record.body))
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordingFailed(f"the record cannot be encoded: {error}") from error
    if len(made) > MAX_LINE:
        raise RecordingFailed(f"the record is too large: {len(made)} bytes, expected at most {MAX_LINE}")
    return made


def encode_body(body: Mapping[str, object]) -> bytes:
    """Encode as compact UTF-8; integers over 64 bits, which orjson refuses, by the standard library."""
    if not isinstance(body, dict):
        raise TypeError("expected the body to be an object")
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
