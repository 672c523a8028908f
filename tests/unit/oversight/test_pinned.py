"""Pins are forgotten on purpose, by a person who is named in the evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.oversight import NamedTool, UnknownTool
from gateway.state import ToolPins
from tests.support.desk import open_desk


async def test_a_tool_is_forgotten_once_that_is_on_record(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        key, _ = desk.key("ada", "admin")
        await ToolPins(desk.state).keep("office/mcp", {"send": "d1"})
        await ToolPins(desk.state).keep("shop/mcp", {"send": "d2"})
        forgotten = await desk.oversight.tools.forget(key, NamedTool("office/mcp", "send"))
        assert [pin["server"] for pin in await desk.oversight.tools.list()] == ["shop/mcp"]
        [act] = desk.records()
    assert (act["code"], act["by"], act["digest"]) == ("tool_forgotten", "ada", "d1")
    assert forgotten["since"].endswith("Z")


async def test_a_tool_that_is_not_pinned_is_told(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        key, _ = desk.key("ada", "admin")
        with pytest.raises(UnknownTool):
            await desk.oversight.tools.forget(key, NamedTool("office/mcp", "send"))
        assert desk.records() == []
