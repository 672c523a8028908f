"""Scalars of untrusted documents: the value when it has its type, else "" or -1."""

from gateway.dialects.reading.scalars import integer, mapping, mappings, number, string, total


def test_a_value_of_another_type_counts_as_absent() -> None:
    members = {"s": 1, "n": "1", "b": True, "f": 1.5, "i": 2.0, "m": [], "ok": 7}
    assert string(members, "s") == ""
    assert [number(members, key) for key in ("n", "b", "f", "none")] == [-1, -1, 1.5, -1]
    assert [integer(members, key) for key in ("f", "i", "b")] == [-1, 2, -1]
    assert number(members, "b", "ok") == 7
    assert mapping(members, "m") == {}


def test_a_total_is_of_what_was_counted() -> None:
    assert total({"a": 1, "b": 2, "c": "3"}, "a", "b", "c") == 3
    assert total({"c": "3"}, "a", "c") == -1


def test_the_objects_of_a_list_keep_their_indexes() -> None:
    assert mappings([1, {"a": 1}, None, {}]) == [(1, {"a": 1}), (3, {})]
    assert mappings({"a": 1}) == []
