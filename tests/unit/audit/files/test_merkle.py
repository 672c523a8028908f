"""Merkle trees against the definition of RFC 6962, written out."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.files.merkle import Frontier, Range, root_from_path


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it stands there."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + defined(leaves[:split]) + defined(leaves[split:])).digest()


def leaves(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def grown(count: int) -> Frontier:
    tree = Frontier()
    for data in leaves(count):
        tree.add(data)
    return tree


@pytest.mark.parametrize("count", range(70))
def test_a_growing_tree_has_the_defined_root(count: int) -> None:
    assert grown(count).root() == defined(leaves(count))


@given(start=st.integers(0, 200), more=st.integers(1, 100), data=st.data())
def test_every_leaf_behind_the_peaks_is_proved_by_its_path_and_no_other_is(
    start: int, more: int, data: st.DataObject
) -> None:
    everything = leaves(start + more)
    index = data.draw(st.integers(start, start + more - 1))
    path = Range(grown(start), everything[start:]).path(index)
    root = grown(start + more).root()

    assert root_from_path(everything[index], index, start + more, path) == root
    assert root_from_path(b"other", index, start + more, path) != root
    assert root_from_path(everything[index], index, start + more, [*path, b"x" * 32]) != root
    assert root_from_path(everything[index], index, start + more, path[1:]) != root or not path
    for place in range(start + more):
        if place != index:
            assert root_from_path(everything[index], place, start + more, path) != root


def test_a_leaf_is_never_taken_for_a_node() -> None:
    """Without domain separation the two children of a node would pass for one leaf."""
    left, right = (hashlib.sha256(b"\0" + data).digest() for data in (b"a", b"b"))
    assert Frontier(2, [defined([b"a", b"b"])]).root() != defined([left + right])


def test_peaks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="a tree of 5 leaves has 2 peaks, found 1"):
        Frontier(5, [b"x" * 32])
