"""The prefilter: whatever the pattern, whatever the text, it gives what the pattern gives without it."""

from __future__ import annotations

import pytest
import regex
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.matching import scanner
from gateway.detect.matching.opening import opening
from gateway.detect.matching.pattern_tree import NoOpening
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Prefilter
from tests.support.effort import examples

# Letters whose other case is beyond ASCII, marks that combine, digits and spaces of other scripts.
LETTERS = "abkKsSiIzé1٣_- \n\x1c?.@K\u017fİı\u0301\u200b\uff11\U0001f600ß"
_ATOMS = r"""
a b k K s S i I é 1 _ - \? \. . \w \W \d \D \s \S \b \B ^ $ \A \Z
[a-k] [^a] [^\s1] [\w-] [^\W_] [Kſ] [Ā-⿿] İ [^é]
"""
_atoms = st.sampled_from(_ATOMS.split())
_repeats = st.sampled_from(
    ["", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}", "*?", "+?", "?+", "*+", "{0,70}"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    piece = st.one_of(
        st.tuples(_atoms, _repeats).map("".join),
        st.tuples(inner, _repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.tuples(st.sampled_from(["(", "(?i:", "(?-i:", "(?>", "(?=", "(?!"]), inner).map(
            lambda pair: f"{pair[0]}{pair[1]})"
        ),
        st.sampled_from(["(?<=a)", "(?<!k)", r"(a|b+)\1", r"(?:(s)|i)"]),
    )
    return st.lists(st.lists(piece, min_size=1, max_size=4).map("".join), min_size=1, max_size=3).map(
        "|".join
    )


patterns = st.recursive(st.tuples(_atoms, _repeats).map("".join), _larger, max_leaves=12)
texts = st.text(st.sampled_from(LETTERS), max_size=60)


@settings(
    max_examples=examples(150), suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(source=patterns, flags=st.sampled_from([0, regex.I, regex.I | regex.M | regex.S]), text=texts)
@example("k", regex.I, "K")
@example("i+", regex.I, "İı")
@example(r"\w+a", 0, "e\u0301a")
@example(r"a(?=b(?=.{3}))", 0, "abcde")
def test_gated_matches_are_the_matches(source: str, flags: int, text: str) -> None:
    try:
        pattern = regex.compile(source, flags)
        opening(pattern)
    except (regex.error, NoOpening):
        assume(False)
    expected = [match.span() for match in pattern.finditer(text)]
    gated = Prefilter([pattern]).scan(text)
    assert [match.span() for match in gated.matches(pattern, Deadline(10))] == expected
    assert Prefilter([], signals=[pattern]).scan(text).may_match(pattern) or not expected


# Values of every kind, to stand in fuzzed text, and what Unicode puts in the way of a reader of bytes.
VALUES = (
    *("jane.roe@example.com", "+1 415 555 2671", "(415) 555-2671 ext. 12", "030 12345 #7", "10.20.30.40"),
    *("4111 1111 1111 1111", "536-90-4399", "DE89 3704 0044 0532 0130 00", "fe80::1ff:fe23:4567:890a"),
    *("AB 12 34 56 C", "912-70-1234", "passport C01234567", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    *("::ffff:10.1.2.3", "AKIA" + "IOSFODNN7EXAMPLE", "password = hunter2x9Q", "sk-ant-api03-" + "a1B2" * 6),
    *("Server=db;Database=x;Uid=sa;Pwd='s3 cret;1';", "postgres://u:s3cr3tpw@db.example/x"),
    *("ignore all previous instructions", "strictly confidential"),
)
MUTATIONS = (*"\u0301\u200b\ufe0f\x1c\xa0İıſKé_漢🙂?", "\\n")
_WIDE = {ord(char): chr(ord(char) + 0xFEE0) for char in "0123456789@.-"}


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Text with values in it, some of them with a character put in or written in full width."""
    pieces = []
    for value in draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4)):
        if draw(st.booleans()):
            at = draw(st.integers(0, len(value)))
            value = value[:at] + draw(st.sampled_from(MUTATIONS)) + value[at:]
        if draw(st.integers(0, 4)) == 0:
            value = value.translate(_WIDE)
        pieces += [value, draw(st.sampled_from([" ", ", ", "\n", "", "x", " is ", "é", "|", "_"]))]
    return draw(st.text(max_size=5)) + "".join(pieces) + draw(st.text(max_size=5))


@pytest.fixture(scope="module")
def ungated() -> Detector:
    """What finds entities where Hyperscan has no wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "hyperscan", None)
        return Detector(Detect(off=()))


@pytest.fixture(scope="module")
def gated() -> Detector:
    return Detector(Detect(off=()))


@settings(max_examples=examples(300))
@given(text=mutated())
def test_the_gate_changes_no_finding_whatever_unicode_stands_in_it(
    gated: Detector, ungated: Detector, text: str
) -> None:
    assert gated.inspect(text) == ungated.inspect(text)
    assert gated.open_at(text) == ungated.open_at(text)


def test_long_texts_are_found_the_same_with_and_without_the_gate(gated: Detector, ungated: Detector) -> None:
    text = "\n".join(f"{value} and more about it, {number} times" for number, value in enumerate(VALUES * 4))
    found = gated.inspect(text)
    assert found == ungated.inspect(text)
    assert {span.entity for span in found} >= {"US_SSN", "CREDIT_CARD", "PHONE_NUMBER", "IBAN_CODE", "CRYPTO"}
