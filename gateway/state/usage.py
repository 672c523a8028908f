"""What each agent used, added up in slots of time that all workers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert

from gateway.state.database import State
from gateway.state.schema import usage


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Requests, tokens and cost (in millionths) of one agent in the `width` seconds that begin at `slot`.

    `slot` is in seconds since 1970.
    """

    width: int
    slot: int
    agent: str
    requests: int
    tokens: int
    cost: int = 0


class UsageStore:
    """Methods are synchronous: async callers go through `state.reading` and `writing`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, rows: Sequence[UsageRow], over: Mapping[int, float] | None = None) -> None:
        """Add to what is there, and drop slots that ended before `over[width]`: all of it or nothing."""
        if not rows:
            return
        statement = insert(usage)
        added = {
            "requests": usage.c.requests + statement.excluded.requests,
            "tokens": usage.c.tokens + statement.excluded.tokens,
            "cost": usage.c.cost + statement.excluded.cost,
        }
        with self.state.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["width", "slot", "agent"], set_=added),
                [asdict(row) for row in rows],
            )
            for width, before in (over or {}).items():
                ended = usage.c.slot <= before - width
                connection.execute(delete(usage).where(usage.c.width == width, ended))

    def totals(self, width: int, since: float) -> Mapping[str, tuple[int, int, int]]:
        """Return requests, tokens and cost by agent, over the slots that reach past `since`."""
        query = (
            select(
                usage.c.agent,
                *(func.sum(column) for column in (usage.c.requests, usage.c.tokens, usage.c.cost)),
            )
            .where(usage.c.width == width, usage.c.slot > since - width)
            .group_by(usage.c.agent)
        )
        with self.state.read() as connection:
            return {agent: (*used,) for agent, *used in connection.execute(query)}
