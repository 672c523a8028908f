"""The bound on bodies is kept, whatever exchanges come, grow, fail and go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Overloaded
from gateway.http.freight import Freight, Load

LIMIT = 100


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 60))))
def test_what_all_loads_hold_is_within_the_limit_and_comes_back(steps: list[tuple[int, int]]) -> None:
    freight = Freight(LIMIT)
    loads, held = [Load(freight) for _ in range(4)], [0] * 4
    for number, size in steps:
        if size < 0:
            loads[number].release()
            held[number] = 0
        elif sum(held) + size > LIMIT:
            with pytest.raises(Overloaded):
                loads[number].add(size)
        else:
            loads[number].add(size)
            held[number] += size
    for load in loads * 2:
        load.release()
    Load(freight).add(LIMIT)
