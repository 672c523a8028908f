"""Console visits that people have ended: what their cookies say counts no longer, in no worker."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.state.database import State
from gateway.state.schema import ended_visits


class EndedVisits:
    """Remembers ended visits until their cookies are over anyway. Methods raise StateUnavailable."""

    def __init__(self, state: State) -> None:
        self._state = state

    def end(self, visit_id: str, until: float, now: float) -> bool:
        """End a visit whose cookie would live until then; return False when it was ended before.

        Times are seconds since 1970.
        """
        with self._state.write() as connection:
            connection.execute(delete(ended_visits).where(ended_visits.c.until <= now))
            ended = insert(ended_visits).values(id=visit_id, until=until)
            return connection.execute(ended.on_conflict_do_nothing()).rowcount == 1

    def has(self, visit_id: str) -> bool:
        """Return whether this visit was ended."""
        with self._state.read() as connection:
            query = select(ended_visits.c.id).where(ended_visits.c.id == visit_id)
            return connection.execute(query).first() is not None
