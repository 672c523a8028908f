"""How many bytes of bodies a worker holds at once: a bound on memory that no number of callers gets past."""

from __future__ import annotations

from gateway.errors import Overloaded


class Freight:
    """The bodies of all requests and answers under way, in bytes, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def add(self, size: int) -> None:
        """Count `size` bytes. Raises Overloaded when they do not fit; they are not counted then."""
        if self._held + size > self._limit:
            raise Overloaded(f"the bodies under way are over {self._limit} bytes; try again")
        self._held += size

    def remove(self, size: int) -> None:
        """Give the room of `size` bytes back."""
        self._held -= size


class Load:
    """The part of the freight that one exchange holds until it is over."""

    def __init__(self, freight: Freight) -> None:
        self._freight = freight
        self._held = 0

    def add(self, size: int) -> None:
        """Count `size` bytes more. Raises Overloaded."""
        self._freight.add(size)
        self._held += size

    def release(self) -> None:
        """Give all of it back, once."""
        self._freight.remove(self._held)
        self._held = 0
