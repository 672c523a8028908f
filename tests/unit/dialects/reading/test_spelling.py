"""What is not changed goes on as it was spelled; digits that were not looked at never do."""

from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.document import parse
from gateway.dialects.reading.spelling import Spelling
from tests.support.values import MODEL_CARD

CARD = MODEL_CARD.replace(" ", "").replace("-", "")
LEAF = st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.dictionaries(st.sampled_from("abc"), LEAF | st.lists(LEAF, max_size=3), max_size=3)


@pytest.mark.parametrize(
    "raw",
    [
        b'{ "a" : 1.0, "b": 1.50,\n "c": 1E+2, "d": -0, "e": -0.0, "f": 0.1e-6 }\r\n',
        rb'{"e": "\u00e9\/\ud834\udd1e\u0041", "n": 12345678901234567890123}',
        b'[0.006929283495992422, -1.2345e-05, 123456789.125, "0.123456789012345678901234567890"]',
    ],
)
def test_blanks_escapes_and_numbers_stay_as_they_are_spelled(raw: bytes) -> None:
    document = parse(raw)
    assert Spelling(raw, document).encode(document) == raw


@pytest.mark.parametrize(
    "number", [f"0.1000000000000000{CARD}", f"0e{CARD}", f"1.0000000000000000000{CARD}", f"{CARD}{CARD}.5"]
)
def test_digits_that_a_double_loses_stay_behind(number: str) -> None:
    raw = b'{"a": %s}' % number.encode()
    document = parse(raw)
    written = Spelling(raw, document).encode(document)
    assert written != raw
    assert parse(written) == document


def test_among_many_numbers_none_is_looked_at() -> None:
    raw = b"[" + b", ".join([b"0.12345678901234567"] * 10_002) + b"]"
    document = parse(raw)
    assert Spelling(raw, document).encode(document) == orjson.dumps(document)


@given(JSON, JSON)
def test_a_change_is_written(before: object, after: object) -> None:
    raw = orjson.dumps(before, option=orjson.OPT_INDENT_2)
    spelling = Spelling(raw, parse(raw))
    same = orjson.dumps(after) == orjson.dumps(before)
    assert spelling.encode(copy.deepcopy(before)) == raw
    assert spelling.encode(after) == (raw if same else orjson.dumps(after))
