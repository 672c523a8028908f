"""A bounded number of exchanges goes on at once; the others wait in order, and not for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Limits
from gateway.errors import TooManyExchanges
from gateway.exchange.seats import Room, Rooms, Seats
from tests.support.effort import examples

LONG, SHORT = 60, 0.01


async def test_those_who_wait_come_in_in_order() -> None:
    room = Room(1, LONG, "in all")
    order: list[int] = []

    async def sit(number: int) -> None:
        await room.enter()
        order.append(number)
        await asyncio.sleep(0)
        room.leave()

    await asyncio.gather(*(sit(number) for number in range(20)))
    assert order == list(range(20))
    assert room.is_empty


async def test_who_waits_too_long_is_told_when_to_come_back_and_takes_no_seat() -> None:
    room = Room(2, SHORT, "of this agent")
    first = Seats()
    await first.take([room, room])
    with pytest.raises(TooManyExchanges) as full:
        await room.enter()
    assert (full.value.status, full.value.headers["retry-after"]) == (429, "1")
    assert "2 requests of this agent" in full.value.message
    first.leave()
    await Seats().take([room, room])


async def test_who_leaves_while_it_waits_takes_no_seat() -> None:
    room = Room(1, LONG, "in all")
    await room.enter()
    waiting = asyncio.create_task(room.enter())
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    room.leave()
    await room.enter()
    room.leave()
    assert room.is_empty


async def test_seats_are_given_back_once_and_those_taken_so_far_when_one_is_not_to_be_had() -> None:
    free, full = Room(1, SHORT, "of this agent"), Room(1, SHORT, "in all")
    await full.enter()
    seats = Seats()
    with pytest.raises(TooManyExchanges):
        await seats.take([free, full])
    assert seats.leave() == (free,)
    assert seats.leave() == ()
    assert free.is_empty
    assert not full.is_empty


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_there_are_never_more_than_there_are_seats(seats: int, exchanges: list[tuple[int, bool]]) -> None:
    """Exchanges come, wait, give up and end in any order: no seat is lost, and none is made."""

    async def all_of_them() -> None:
        room, sitting, most = Room(seats, LONG, "in all"), 0, 0

        async def one(turns: int) -> None:
            nonlocal sitting, most
            mine = Seats()
            await mine.take([room])
            sitting += 1
            most = max(most, sitting)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                sitting -= 1
                mine.leave()

        tasks = [asyncio.create_task(one(turns)) for turns, _ in exchanges]
        await asyncio.sleep(0)
        for task, (_, leaves) in zip(tasks, exchanges, strict=True):
            if leaves:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= seats
        assert room.is_empty
        for _ in range(seats):
            await room.enter()

    asyncio.run(all_of_them())


async def test_agents_have_rooms_of_their_own_which_are_forgotten_when_they_leave() -> None:
    rooms = Rooms(Limits(exchanges=9, agent_exchanges=2, queue_seconds=SHORT), {"small": 1, "large": None})
    stays = Seats()
    await stays.take(rooms.of_agent("stays"))
    for number in range(examples(300)):
        seats = Seats()
        await seats.take(rooms.of_agent(f"agent {number}"))
        seats.leave()
    assert list(rooms._agents) == ["stays"]
    await stays.take(rooms.of_agent("stays"))
    with pytest.raises(TooManyExchanges, match="2 requests of this agent"):
        await stays.take(rooms.of_agent("stays"))
    assert rooms.of_provider("large") == rooms.of_provider("unknown") == ()
    await stays.take(rooms.of_provider("small"))
    with pytest.raises(TooManyExchanges, match="1 requests for small"):
        await stays.take(rooms.of_provider("small"))


async def test_exchanges_that_waited_for_people_come_back_to_the_room_of_their_agent() -> None:
    rooms, held = (
        Rooms(Limits(agent_exchanges=1, queue_seconds=SHORT), {}),
        list[tuple[Seats, tuple[Room, ...]]](),
    )
    for number in range(2):
        seats = Seats()
        await seats.take(rooms.of_agent("bot"))
        held.append((seats, seats.leave()))
        rooms.of_agent(f"other {number}")
    (first, its), (second, others) = held
    await first.take(its)
    with pytest.raises(TooManyExchanges):
        await second.take(others)
