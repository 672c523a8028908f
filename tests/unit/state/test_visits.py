"""Console visits that have ended."""

from __future__ import annotations

from gateway.state import EndedVisits, State


def test_an_ended_visit_is_remembered_until_its_cookie_is_over(state: State) -> None:
    """Ending it twice changes nothing, and says so: of two who use one link at once, one gets in."""
    visits = EndedVisits(state)
    assert [visits.end("v1", until=100, now=50) for _ in range(2)] == [True, False]
    assert visits.has("v1")
    assert not visits.has("v2")
    visits.end("v2", until=300, now=200)
    assert not visits.has("v1")
    assert visits.has("v2")
