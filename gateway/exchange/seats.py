"""How many exchanges go on at once in a worker: in all, of one agent, and with one provider.

The others wait for their turn, in order, for `limits.queue_seconds`. Then they are refused with 429, which
SDKs try again. An exchange that waits for people holds no seat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

from gateway.config import Limits
from gateway.errors import TooManyExchanges


class Room:
    """A number of seats, which are taken in the order in which they were asked for."""

    def __init__(self, seats: int, seconds: float, whose: str) -> None:
        self._seats = seats
        self._seconds = seconds
        self._whose = whose
        self._free = asyncio.Semaphore(seats)
        self._users = 0  # exchanges that have a seat or wait for one

    @property
    def is_empty(self) -> bool:
        """Whether it can be forgotten."""
        return self._users == 0

    async def enter(self) -> None:
        """Take a seat. Raises TooManyExchanges when none gets free in time."""
        self._users += 1
        try:
            # a seat that is free is taken at once, and needs no timer
            async with asyncio.timeout(self._seconds if self._free.locked() else None):
                await self._free.acquire()
        except BaseException as error:
            self._users -= 1
            if not isinstance(error, TimeoutError):
                raise
            full = TooManyExchanges(f"{self._seats} requests {self._whose} are under way; try again")
            full.ask_again_in(self._seconds)
            raise full from error

    def leave(self) -> None:
        """Give a seat back."""
        self._users -= 1
        self._free.release()


class Rooms:
    """The rooms of one worker; `providers` says how many calls each takes, None for no bound."""

    def __init__(self, limits: Limits, providers: Mapping[str, int | None]) -> None:
        self._limits = limits
        self._all = self._room(limits.exchanges, "in all")
        # an exchange that waits for people has no seat, and comes back to the same room
        self._agents: WeakValueDictionary[str, Room] = WeakValueDictionary()
        self._providers = {name: self._room(most, f"for {name}") for name, most in providers.items() if most}

    def of_agent(self, agent: str) -> tuple[Room, ...]:
        """Return the rooms that each exchange of an agent enters."""
        room = self._agents.get(agent)
        if room is None:
            room = self._agents[agent] = self._room(self._limits.agent_exchanges, "of this agent")
        return room, self._all

    def of_provider(self, provider: str) -> tuple[Room, ...]:
        """Return the rooms that a call of a provider enters."""
        room = self._providers.get(provider)
        return (room,) if room else ()

    def _room(self, seats: int, whose: str) -> Room:
        return Room(seats, self._limits.queue_seconds, whose)


class Seats:
    """The seats of one exchange."""

    def __init__(self) -> None:
        self._taken: list[Room] = []

    async def take(self, rooms: Iterable[Room]) -> None:
        """Take a seat in each of these rooms. Raises TooManyExchanges."""
        for room in rooms:
            await room.enter()
            self._taken.append(room)

    def give_back(self, rooms: Iterable[Room]) -> None:
        """Give the seats in these rooms back, as far as it has any there."""
        for room in rooms:
            if room in self._taken:
                self._taken.remove(room)
                room.leave()

    def leave(self) -> tuple[Room, ...]:
        """Give all seats back, and return the rooms that they were in."""
        taken, self._taken = self._taken, []
        for room in taken:
            room.leave()
        return tuple(taken)
