"""A record's columns and its bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.audit.files.record import COLUMNS, MAX_LINE, MEANINGS, NULLABLE, Record, draft
from gateway.errors import RecordingFailed

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_the_stored_format_stays_as_it_is() -> None:
    """Evidence on disk is read for years: these columns, in this order, of these types, as these bytes."""
    assert " ".join(f"{name}:{kind}" for name, kind in COLUMNS.items()) == (
        "writer:VARCHAR seq:BIGINT recorded_at:TIMESTAMPTZ kind:VARCHAR exchange_id:VARCHAR "
        "session_id:VARCHAR decision_id:VARCHAR agent:VARCHAR owner:VARCHAR on_behalf_of:VARCHAR "
        "provider:VARCHAR dialect:VARCHAR model:VARCHAR method:VARCHAR path:VARCHAR phase:VARCHAR "
        "action:VARCHAR enforced:BOOLEAN revision:VARCHAR status:INTEGER code:VARCHAR approval_id:VARCHAR "
        "input_tokens:BIGINT output_tokens:BIGINT cost:DOUBLE duration_ms:DOUBLE key_id:VARCHAR "
        "delegation:VARCHAR source_ip:VARCHAR tags:MAP(VARCHAR, VARCHAR) forwarded_at:TIMESTAMPTZ "
        "bytes_sent:BIGINT sent_digest:VARCHAR "
        'findings:STRUCT(entity VARCHAR, category VARCHAR, count INTEGER, "distinct" INTEGER, "new" INTEGER, '
        "max_score DOUBLE, roles VARCHAR[], kinds VARCHAR[], treatment VARCHAR)[] "
        "reasons:STRUCT(rule VARCHAR, title VARCHAR, message VARCHAR, severity VARCHAR, "
        "controls VARCHAR[])[] commitment:VARCHAR prev:VARCHAR hash:VARCHAR"
    )
    assert NULLABLE == (
        "key_id", "delegation", "source_ip", "tags", "forwarded_at", "bytes_sent", "sent_digest",
    )  # fmt: skip
    record = Record(
        "decision",
        exchange_id="ex_1",
        forwarded_at=NOW,
        findings=({"entity": "X", "count": 2, "roles": ("user",)},),
        reasons=({"rule": "r", "severity": "low"},),
        body={"a": 1},
    )
    made = draft(record, NOW)
    assert made.body == b'{"a":1}'
    assert made.columns.decode() == (
        '"recorded_at":"2026-11-22T08:00:00.000000Z","kind":"decision","exchange_id":"ex_1","session_id":"",'
        '"decision_id":"","agent":"","provider":"","dialect":"","model":"",'
        '"method":"","path":"","phase":"","action":"","enforced":true,"revision":"","status":-1,"code":"",'
        '"approval_id":"","input_tokens":-1,"output_tokens":-1,"cost":-1.0,"duration_ms":-1.0,"key_id":null,'
        '"delegation":null,'
        '"forwarded_at":"2026-11-22T08:00:00Z","bytes_sent":null,"sent_digest":null,'
        '"findings":[{"entity":"X","category":"","count":2,"distinct":0,"new":0,"max_score":0,'
        '"roles":["user"],"kinds":[],"treatment":null}],'
        '"reasons":[{"rule":"r","title":"","message":"","severity":"low","controls":[]}]'
    )


def test_every_column_of_a_record_has_a_meaning() -> None:
    """The reference page and every DuckDB client show it."""
    chained = {"writer", "seq", "recorded_at", "commitment", "prev", "hash"}
    assert set(MEANINGS) == (set(COLUMNS) - chained) | {"body"}


@pytest.mark.parametrize(
    "record",
    [
        Record("gateway", agent="\ud800"),
        Record("gateway", body={"text": "\ud800"}),
        Record("gateway", body={"object": object()}),
        Record("gateway", status=2**31),
        Record("gateway", input_tokens=2**63),
        Record("gateway", duration_ms=float("nan")),
        Record("gateway", duration_ms=float("inf")),
        Record("decision", findings=({"entity": "X", "value": "secret"},)),
        Record("decision", reasons=({"title": "without a rule"},)),
        Record("unheard_of"),  # type: ignore[arg-type]  # what a caller's mistake looks like
        Record("gateway", body={"text": "x" * MAX_LINE}),
    ],
    ids=lambda record: record.kind,
)
def test_what_no_column_or_line_can_hold_is_refused_when_written(record: Record) -> None:
    with pytest.raises(RecordingFailed):
        draft(record, NOW)
