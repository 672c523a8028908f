"""Work on several cores."""

from __future__ import annotations

import pytest

from gateway.audit.verifying.pool import TaskPool, cores


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    """In this process, and in others."""
    with TaskPool(jobs) as pool:
        assert list(pool.map(abs, range(-20, 0))) == list(range(20, 0, -1))


def test_there_is_a_core() -> None:
    """The one that runs this."""
    assert cores() >= 1
