"""The tools that servers offer, as they last passed: seen by operators, and forgotten on purpose."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from gateway.approvals import Recorder, rfc3339
from gateway.errors import RegateError
from gateway.oversight.acts import Actor, Acts
from gateway.state import KeyRow, Pin, ToolPins


class UnknownTool(RegateError):
    """No such tool of such a server is pinned."""


class NamedTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tool is meant."""

    server: str
    tool: str


class PinDocument(TypedDict):
    """A pin as JSON; `since` is when the tool first passed as it is now."""

    server: str
    tool: str
    digest: str
    since: str


class PinnedTools:
    """Lists pins, and forgets one; `acts` records that."""

    def __init__(self, pins: ToolPins, journal: Recorder) -> None:
        self._pins = pins
        self._acts = Acts(journal)

    async def list(self) -> list[PinDocument]:
        """List what is known of each tool. Raises StateUnavailable."""
        return [_document(pin) for pin in await self._pins.list()]

    async def forget(self, by: Actor | KeyRow, named: NamedTool) -> PinDocument:
        """Forget one, once that is on record: however the tool looks next, it is no change.

        Raises UnknownTool, StateUnavailable, RecordingFailed.
        """
        pins = {NamedTool(pin.server, pin.tool): pin for pin in await self._pins.list()}
        if (pin := pins.get(named)) is None:
            raise UnknownTool(f"no tool {named.tool!r} of {named.server!r} is pinned")
        await self._acts.note(by, "tool_forgotten", **_document(pin))
        await self._pins.forget(named.server, named.tool)
        return _document(pin)


def _document(pin: Pin) -> PinDocument:
    return {
        "server": pin.server,
        "tool": pin.tool,
        "digest": pin.digest,
        "since": rfc3339(pin.pinned_at),
    }
