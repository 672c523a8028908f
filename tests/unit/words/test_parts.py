"""What was counted out of reason is not known."""

from __future__ import annotations

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from gateway.words import MOST_TOKENS, Usage


@given(st.lists(st.integers() | st.sampled_from([10**26, MOST_TOKENS, -(10**26)]), min_size=5, max_size=5))
def test_a_count_out_of_reason_is_not_known(counts: list[int]) -> None:
    usage = Usage(*counts)
    assert list(astuple(usage)) == [count if 0 <= count <= MOST_TOKENS else -1 for count in counts]
