"""Merkle trees as RFC 6962 has them: append-only, with short proofs that a leaf is in the tree.

    leaf = SHA-256(0x00 ‖ data)        node = SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves has the largest power of two below n on its left side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256().digest()


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """A growing tree, kept as its peaks: the roots of its whole subtrees, the largest first."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Continue a tree of this size. Raises ValueError when its number of peaks is another."""
        if size.bit_count() != len(peaks):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, found {len(peaks)}")
        self.size = size
        self.peaks = list(peaks)

    def add(self, data: bytes) -> None:
        """Append a leaf over `data`."""
        top = leaf(data)
        size = self.size
        while size & 1:
            top = node(self.peaks.pop(), top)
            size >>= 1
        self.peaks.append(top)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node(peak, top)
        return top

    def copy(self) -> Frontier:
        return Frontier(self.size, self.peaks)


class Range:
    """The end of a tree: the peaks before `start`, then the data of every leaf from there on.

    That is enough to prove any of those leaves.
    """

    def __init__(self, before: Frontier, data: Iterable[bytes]) -> None:
        self._start = before.size
        self._leaves = [leaf(each) for each in data]
        self._peaks: dict[tuple[int, int], bytes] = {}
        low = 0
        for peak in before.peaks:
            high = low + (1 << (before.size - low).bit_length() - 1)
            self._peaks[low, high] = peak
            low = high
        self.size = before.size + len(self._leaves)

    def path(self, index: int) -> list[bytes]:
        """Return the siblings of the leaf at `index` (from 0), from the leaf up to the root."""
        if not self._start <= index < self.size:
            raise ValueError(f"leaf {index} is not among {self._start} to {self.size - 1}")
        siblings = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _left(high - low)
            if index < middle:
                siblings.append(self._top(middle, high))
                high = middle
            else:
                siblings.append(self._top(low, middle))
                low = middle
        return siblings[::-1]

    def consistency(self) -> list[bytes]:
        """Return the proof that the tree grew out of that before `start` (RFC 6962, 2.1.2)."""
        proof: list[bytes] = []
        low, high, is_whole = 0, self.size, True
        while self._start and low < self._start < high:
            middle = low + _left(high - low)
            if self._start <= middle:
                proof.append(self._top(middle, high))
                high = middle
            else:
                proof.append(self._top(low, middle))
                low, is_whole = middle, False
        if self._start and not is_whole:
            proof.append(self._top(low, high))
        return proof[::-1]

    def _top(self, low: int, high: int) -> bytes:
        if high <= self._start:
            return self._peaks[low, high]
        if high - low == 1:
            return self._leaves[low - self._start]
        middle = low + _left(high - low)
        return node(self._top(low, middle), self._top(middle, high))


def root_from_path(data: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf's path leads to (RFC 9162, 2.1.3.2); None for a path of another shape."""
    if not 0 <= index < size:
        return None
    top, place, last = leaf(data), index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            top = node(sibling, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = node(top, sibling)
        place, last = place >> 1, last >> 1
    return top if last == 0 else None


def _left(size: int) -> int:
    """Return how many leaves are on the left side: the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
