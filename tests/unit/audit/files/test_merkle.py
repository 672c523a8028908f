"""Merkle trees against the definition of RFC 6962, written out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.files.merkle import Frontier, Range, node, root_from_path


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


@given(start=st.integers(0, 100), more=st.integers(0, 60), data=st.data())
def test_a_tree_proves_that_it_grew_out_of_an_earlier_one(start: int, more: int, data: st.DataObject) -> None:
    everything = leaves(start + more)
    proof = Range(grown(start), everything[start:]).consistency()
    old, new = grown(start).root(), grown(start + more).root()
    if start == 0:
        assert proof == []
        return
    assert grew(start, old, start + more, new, proof)
    if more:
        other = data.draw(
            st.sampled_from([(b"x" * 32, new, proof), (old, b"x" * 32, proof), (old, new, proof[:-1])])
        )
        assert not grew(start, other[0], start + more, other[1], other[2])


def grew(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Check a consistency proof as RFC 9162, 2.1.4.2 has it."""
    if old == size:
        return old_root == root and not proof
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node(each, before), node(each, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, each)
        place, last = place >> 1, last >> 1
    return (before, after, last) == (old_root, root, 0)
