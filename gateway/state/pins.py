"""What the tools of each server said of themselves when they last passed: a later change is a finding."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.state.database import State
from gateway.state.schema import tool_pins


@dataclass(frozen=True, slots=True)
class Pin:
    """What one tool of a server last said of itself, as a digest, and since when."""

    server: str
    tool: str
    digest: str
    pinned_at: float


class ToolPins:
    """Digests of tools' definitions, by server and name. Methods raise StateUnavailable."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def of(self, server: str) -> dict[str, str]:
        """Return the digests of a server's tools, by name."""
        return await self._state.reading(self._read, server)

    async def keep(self, server: str, digests: Mapping[str, str]) -> None:
        """Remember these in place of what was known of the same tools."""
        known = await self.of(server)
        news = {name: digest for name, digest in digests.items() if known.get(name) != digest}
        if news:
            await self._state.writing(self._write, server, news)

    async def list(self) -> tuple[Pin, ...]:
        """Return all of them, by server and name."""
        return await self._state.reading(self._list)

    async def forget(self, server: str, tool: str) -> None:
        """Forget what a tool said: what it says next is the first that is known of it."""
        await self._state.writing(self._forget, server, tool)

    def _list(self) -> tuple[Pin, ...]:
        with self._state.read() as connection:
            query = select(tool_pins).order_by(tool_pins.c.server, tool_pins.c.tool)
            return tuple(Pin(*row) for row in connection.execute(query))

    def _forget(self, server: str, tool: str) -> None:
        named = (tool_pins.c.server == server) & (tool_pins.c.tool == tool)
        with self._state.write() as connection:
            connection.execute(delete(tool_pins).where(named))

    def _read(self, server: str) -> dict[str, str]:
        with self._state.read() as connection:
            query = select(tool_pins.c.tool, tool_pins.c.digest).where(tool_pins.c.server == server)
            return {row.tool: row.digest for row in connection.execute(query)}

    def _write(self, server: str, digests: Mapping[str, str]) -> None:
        now = time.time()
        rows = [
            {"server": server, "tool": name, "digest": digest, "pinned_at": now}
            for name, digest in digests.items()
        ]
        statement = insert(tool_pins)
        said = {name: statement.excluded[name] for name in ("digest", "pinned_at")}
        with self._state.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["server", "tool"], set_=said), rows
            )
