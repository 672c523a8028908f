"""What has begun at the end of a text is found with and without Hyperscan."""

from __future__ import annotations

import pytest
import regex
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gateway.detect.matching import scanner
from gateway.detect.matching.beginnings import Beginnings
from gateway.detect.matching.patterns import Deadline
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
@given(source=patterns, flags=st.sampled_from([0, regex.I]), text=texts)
@example("abkis+", regex.I, "  abKı")
@example("(?:a|ab)é{2}1", 0, "abé")
def test_what_may_still_be_completed_is_the_same_without_the_gate(source: str, flags: int, text: str) -> None:
    try:
        pattern = regex.compile(source, flags)
    except regex.error:
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "hyperscan", None)
        expected = Beginnings([pattern]).open_at(text, Deadline(10))
    assert Beginnings([pattern]).open_at(text, Deadline(10)) == expected
