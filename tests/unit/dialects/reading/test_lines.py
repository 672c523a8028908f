"""JSON lines: each is JSON of its own, what is none is a text, and what did not change keeps its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.lines import Lines, begins_as_lines, is_lines


def test_each_line_is_an_item_and_a_text_is_one_with_its_breaks() -> None:
    lines = Lines(b'{"a": 1}\r\n\n"x"\n-----BEGIN\nKEY-----\n\n12 monkeys\n[1.50]\n')

    assert [item for _, item in lines.items()] == [{"a": 1}, "x", "-----BEGIN\nKEY-----\n\n12 monkeys", [1.5]]
    assert [index for index, _ in lines.items() if lines.is_text(index)] == [3]


def test_only_a_line_that_changed_is_written_anew() -> None:
    lines = Lines(b'{"a" : 1e2, "b":"x"}\r\n  [ 1 ]\nto jane\nand bob\n{"c": "\\u00e9"}\n')
    lines.document[0]["b"] = "<X>"
    lines.document[2] = "to <X>\nand bob"

    expected = '{"a":100.0,"b":"<X>"}\r\n  [ 1 ]\nto <X>\nand bob\n{"c": "\\u00e9"}\n'
    assert lines.encode(lines.document) == expected.encode()


@pytest.mark.parametrize(
    "line",
    [
        *(
            b'{"a":1,"a":2}',
            b'{"a":NaN}',
            b'{"a":1e400}',
            b'{"a":"\\ud800"}',
            b'{"a":1}{"b":2}',
            b'{"a":1} x',
        ),
        *(b"[1][2]", b'{"a":"b\tc"}', b"\xef\xbb\xbf{}", b"\xff", b"a\0b", b"[" * 200 + b"]" * 200),
        b"[" * 100_000,
    ],
)
def test_a_line_that_some_parser_reads_otherwise_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed):
        Lines(line)


@given(st.lists(st.sampled_from([b"{}", b'{"a": "b"}', b"", b" ", b"text", b"{", b"1", b'"s"', b"\r"])))
def test_lines_that_did_not_change_keep_their_bytes(lines: list[bytes]) -> None:
    raw = b"\n".join(lines)
    assert Lines(raw).encode(Lines(raw).document) == raw


def test_lines_without_end_are_malformed() -> None:
    with pytest.raises(Malformed, match="lines"):
        Lines(b"\n" * 100_001)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(('\n {"a": 1}\nx', True), ('{"a": 1, "a": 2}\n', True), ('{\n "a": 1}', False), ("# {}", False)),
        *(("", False), ("[1]", False), ('{"a": NaN}', True), ('{"a":' * 100_000, True)),
    ],
)
def test_lines_are_known_by_the_first_one(text: str, expected: bool) -> None:
    assert begins_as_lines(text) is expected


def test_lines_are_known_by_type_or_name() -> None:
    assert is_lines("application/x-ndjson")
    assert is_lines("application/octet-stream", "Batch.JSONL")
    assert not is_lines("application/json", "a.json")
