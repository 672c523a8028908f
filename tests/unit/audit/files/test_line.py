"""Lines and their chain."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

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
    open_line,
    split_signature,
    with_signature,
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
    owner=TEXT | st.just(',"body":'),
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


def test_a_line_without_its_body_or_its_names_is_still_in_the_chain() -> None:
    """Its place and hash are the same; the salt goes with what it was the salt of, and the rest is proved."""
    line = line_of(Record("decision", owner="alice", on_behalf_of="jane", body={"secret": "text"}))
    salt = orjson.loads(line)["salt"]
    without_body = open_line(line).without_body(b'{"left":1}').withheld("2026-11-28T00:00:00Z", "or_1")
    without_names = open_line(line).without_names(b'"owner":"erased-or_1"').withheld()
    for made, gone, kept in ((without_body, b"secret", salt[:32]), (without_names, b"jane", salt[32:])):
        assert check_either(made) == check(line)
        assert gone not in made
        assert kept.encode() in made
        assert salt.replace(kept, "").encode() not in made
        with pytest.raises(BrokenLine):
            check(made)
        with pytest.raises(BrokenLine):
            check_either(made.replace(kept.encode(), b"0" * 32))
    assert open_line(line).whole
    both = open_line(without_body).without_names(b'"owner":""').without_body().withheld()
    assert check_either(both) == check(line)
    assert b'"body":{' not in both
    assert check_either(open_line(both).proved().withheld()) == check(line)
    with pytest.raises(BrokenLine):  # what is still vouched for by its salt cannot be changed
        check_either(without_body.replace(b"jane", b"joan"))


def test_a_line_from_before_names_were_apart_is_read_and_proved() -> None:
    """Its body can go, and its names cannot: they are in its hash."""
    head = b'{"writer":"w1","seq":1,"recorded_at":"2026-11-22T08:00:00.000000Z","kind":"gateway","owner":"al"'
    salt, body = b"a" * 32, b'{"said":",\\"body\\":"}'
    tail = b',"commitment":"%b","prev":"%b"' % (sha256(salt + body).hexdigest().encode(), GENESIS.encode())
    hash_ = sha256(bytes(32) + head + tail + b"}").hexdigest().encode()
    line = b'%b,"salt":"%b","body":%b%b,"hash":"%b"}' % (head, salt, body, tail, hash_)
    bare = b'%b%b,"hash":"%b"}' % (head, tail, hash_)
    opened = open_line(line)
    assert opened.without_names(b'"owner":""') == opened
    gone, kept = opened.without_body(), opened.without_body(b"{}")
    for made in (bare, gone.withheld(), open_line(bare).withheld(), kept.withheld()):
        assert check_either(made) == check(line)
        assert b"said" not in made
    with pytest.raises(BrokenLine):
        check(line.replace(b"said", b"sung"))


def test_a_signature_is_taken_off_as_it_was_put_on() -> None:
    """A line without one comes back as it is."""
    line = line_of(Record("gateway"))
    signed = with_signature(line + b"\n", bytes(64)).removesuffix(b"\n")
    assert split_signature(signed) == (line, "00" * 64)
    assert split_signature(line) == (line, "")
    assert check(signed).signature == "00" * 64
