"""What is sealed next, and together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.audit.sealing.plan import Closed, plan

_LARGE = 2 * 1024 * 1024


def closed(number: int, size: int = 10, writer: str = "w1", age: float = 0) -> Closed:
    written_at = datetime.now(UTC) - timedelta(seconds=age)
    return Closed(writer, number, f"{writer}-{number:06d}", size, written_at)


def test_small_segments_wait_until_the_oldest_is_old_enough() -> None:
    """Then they share a file."""
    hour = timedelta(hours=1)
    assert plan([closed(1), closed(2)], {}, hour) == []
    day = 0.001  # seconds apart, so that midnight does not part them
    found = plan([closed(1, age=day), closed(2, age=day)], {}, timedelta(0))
    assert sorted(name for file in found for name in file) == ["w1-000001", "w1-000002"]


def test_a_large_segment_goes_alone_and_takes_the_small_before_it_along() -> None:
    """The chain's order stays."""
    found = plan([closed(1), closed(2, _LARGE)], {}, timedelta(hours=1))
    assert found == [["w1-000001"], ["w1-000002"]]


def test_a_segment_behind_a_gap_waits() -> None:
    """Its chain's segment before it is not sealed, nor about to be."""
    assert plan([closed(3, _LARGE)], {"w1": 1}, timedelta(0)) == []
    assert plan([closed(2, _LARGE)], {"w1": 1}, timedelta(0)) == [["w1-000002"]]
