"""Lines and their chain."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.files.line import (
    GENESIS,
    BrokenLine,
    chain,
    check,
    check_either,
    is_withheld,
    split_signature,
    with_signature,
    withhold,
)
from gateway.audit.files.record import COLUMNS, Record, draft

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    Record,
    kind=st.sampled_from(["decision", "completion", "refusal", "approval", "gateway"]),
    agent=TEXT,
    model=TEXT | st.just(',"salt":"0123456789abcdef0123456789abcdef","body":'),
    path=TEXT,
    status=st.integers(-1, 599),
    input_tokens=st.integers(-1, 2**63 - 1),
    body=st.dictionaries(TEXT, JSON, max_size=4),
)


def line_of(record: Record, seq: int = 1, prev: str = GENESIS) -> bytes:
    return chain(draft(record, NOW), "w1", seq, prev)[0].removesuffix(b"\n")


@given(RECORDS)
def test_a_line_is_one_json_object_with_every_column_and_proves_itself(record: Record) -> None:
    line = line_of(record)
    document = orjson.loads(line)
    link = check(line)

    assert b"\n" not in line
    assert set(document) == {*COLUMNS, "salt", "body"}
    assert (document["agent"], document["model"], document["path"]) == (
        record.agent,
        record.model,
        record.path,
    )
    assert (link.writer, link.seq, link.prev, link.hash) == ("w1", 1, GENESIS, document["hash"])
    assert link.recorded_at == "2026-11-22T08:00:00.000000Z"


@given(RECORDS, st.data())
def test_no_byte_of_a_line_can_be_changed_added_or_taken_away(record: Record, data: st.DataObject) -> None:
    line = line_of(record)
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    changed = data.draw(
        st.sampled_from(
            [
                line[:place] + bytes([byte]) + line[place + 1 :],
                line[:place] + line[place + 1 :],
                line[:place] + bytes([byte]) + line[place:],
                line[:place],
            ]
        )
    )

    with pytest.raises(BrokenLine):
        check(changed)


def test_the_hash_covers_the_line_before() -> None:
    first, second = line_of(Record("gateway")), line_of(Record("gateway"), prev="a" * 64)

    assert check(first).hash != check(second).hash
    assert check(second).prev == "a" * 64


def test_integers_over_64_bits_stay_exact() -> None:
    body = {"n": 10**40, "text": "ü"}

    assert str(10**40).encode() in line_of(Record("gateway", body=body))


def test_a_line_without_its_body_is_still_in_the_chain() -> None:
    """Its place and hash are the same; the salt is gone with the body."""
    line = line_of(Record("decision", body={"secret": "text"}))
    bare = withhold(line)

    assert check_either(bare) == check(line)
    assert is_withheld(bare)
    assert not is_withheld(line)
    assert b"secret" not in bare
    assert b"salt" not in bare


def test_a_signature_is_taken_off_as_it_was_put_on() -> None:
    """A line without one comes back as it is."""
    line = line_of(Record("gateway"))
    signed = with_signature(line + b"\n", bytes(64)).removesuffix(b"\n")
    assert split_signature(signed) == (line, "00" * 64)
    assert split_signature(line) == (line, "")
    assert check(signed).signature == "00" * 64
