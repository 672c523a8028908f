"""Usage in slots."""

from __future__ import annotations

from gateway.state import State, UsageRow, UsageStore


def test_rows_of_one_slot_add_up(state: State) -> None:
    store = UsageStore(state)
    store.add([UsageRow(5, 100, "a", 1, 10, 3), UsageRow(5, 105, "a", 1, 0), UsageRow(5, 100, "b", 7, 7)])
    store.add([UsageRow(5, 100, "a", 2, 5, 4)])
    assert store.totals(5, 100) == {"a": (4, 15, 7), "b": (7, 7, 0)}


def test_a_slot_counts_until_it_is_wholly_outside_the_window(state: State) -> None:
    store = UsageStore(state)
    store.add([UsageRow(5, 100, "a", 1, 1)])
    assert store.totals(5, 104.9) == {"a": (1, 1, 0)}
    assert store.totals(5, 105) == {}


def test_widths_do_not_mix(state: State) -> None:
    store = UsageStore(state)
    store.add([UsageRow(5, 0, "a", 1, 1), UsageRow(1800, 0, "a", 3, 3)])
    assert store.totals(1800, 0) == {"a": (3, 3, 0)}


def test_slots_before_the_window_are_forgotten(state: State) -> None:
    store = UsageStore(state)
    store.add([UsageRow(5, 100, "a", 1, 1), UsageRow(5, 105, "a", 1, 1)], {5: 105})
    assert store.totals(5, 0) == {"a": (1, 1, 0)}


def test_nothing_to_add_is_no_write(state: State) -> None:
    UsageStore(state).add([])
    assert UsageStore(state).totals(5, 0) == {}
