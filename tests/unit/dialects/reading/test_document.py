"""JSON comes in strictly, goes out exactly, and can be addressed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.document import Malformed, escape, parse, put, serialize
from tests.support.pointers import at

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=30)


def same(left: Any, right: Any) -> bool:
    """Equal, types and key order included."""
    return repr(left) == repr(right)


@given(JSON)
def test_a_document_survives_being_written_and_parsed(document: Any) -> None:
    assert same(parse(serialize(document)), document)


@given(JSON)
def test_every_json_encoder_output_is_parsed_like_the_standard_library_does(document: Any) -> None:
    assert same(parse(json.dumps(document, indent=1).encode()), document)


@given(st.binary())
def test_any_bytes_are_parsed_or_malformed(body: bytes) -> None:
    try:
        document = parse(body)
    except Malformed:
        return
    assert same(parse(serialize(document)), document)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1}x',
        b'{"a":1} {"b":2}',
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'[{"b":{"a":1,"a":1}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"[-1e999]",
        b'"\\ud800"',
        b'{"\\uDFFF":1}',
        b'"\\ud800\\u0041"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"{'a':1}",
        b"[1,]",
        b"01",
        b"+1",
        b"0x10",
        b'"\x00"',
        b'"a\nb"',
        b"// c\n1",
        b'{"a":1}'.decode().encode("utf-16"),
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_two_parsers_could_read_differently_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_a_message_never_holds_content() -> None:
    for body in (b'{"k":"hunter2" "x"}', b'{"hunter2":1,"hunter2":2}', b'["hunter2\\ud800"]', b"hunter2"):
        with pytest.raises(Malformed) as caught:
            parse(body)
        assert "hunter2" not in str(caught.value)


def test_nesting_is_counted_in_levels_not_in_brackets() -> None:
    assert parse(b"[" * 100 + b"]" * 100) is not None
    assert parse(b'"' + b"[{" * 500 + b'"') == "[{" * 500
    assert len(parse(b"[" + b",".join([b"[]"] * 500) + b"]")) == 500
    with pytest.raises(Malformed, match="deeper than 100"):
        parse(b"[" * 101 + b"]" * 101)
    with pytest.raises(Malformed, match="deeper than 3"):
        parse(b'{"a":[{"b":[]}]}', depth=3)


def test_whole_surrogate_pairs_are_characters() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"


def test_numbers_stay_what_they_are() -> None:
    text = b'{"i":123456789012345678901234567890,"j":-18446744073709551616,"f":0.1,"g":1e-7,"h":1.0}'
    assert parse(serialize(parse(text))) == parse(text)
    assert b"123456789012345678901234567890" in serialize(parse(text))


@pytest.mark.parametrize("value", [object(), [float("inf"), 10**30], {"a": {10**30: object()}}, "\ud800"])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed):
        serialize(value)


def _pointers(document: Any, here: str = "") -> list[str]:
    if isinstance(document, dict):
        return [here, *(p for k, v in document.items() for p in _pointers(v, f"{here}/{escape(k)}"))]
    if isinstance(document, list):
        return [here, *(p for i, v in enumerate(document) for p in _pointers(v, f"{here}/{i}"))]
    return [here]


@given(JSON, st.data())
def test_what_is_put_at_a_pointer_stands_there(document: Any, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from(_pointers(document)))
    changed = put(document, pointer, "MASK")
    assert at(changed, pointer) == "MASK"


def test_pointers_follow_rfc_6901() -> None:
    document = parse(b'{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8," ":7}')
    expected = {"": document, "/foo/0": "bar", "/": 0, "/a~1b": 1, "/c%d": 2, "/m~0n": 8, "/ ": 7}
    assert {pointer: at(document, pointer) for pointer in expected} == expected


@pytest.mark.parametrize(
    "pointer", ["foo", "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/bar", "/foo/0/x", "/foo/²"]
)
def test_a_pointer_to_nothing_raises(pointer: str) -> None:
    with pytest.raises(LookupError):
        at({"foo": ["bar", "baz"]}, pointer)
    with pytest.raises(LookupError):
        put({"foo": ["bar", "baz"]}, pointer, 1)
