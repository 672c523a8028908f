"""What tools said of themselves, as the state remembers it."""

from __future__ import annotations

from pathlib import Path

from gateway.state import State, ToolPins, open_state
from tests.unit.state.conftest import make_old


async def test_each_server_has_tools_of_its_own(state: State) -> None:
    pins = ToolPins(state)
    await pins.keep("office", {"run": "1", "send": "2"})
    await pins.keep("shop", {"run": "9"})
    await pins.keep("office", {"run": "3"})
    await pins.keep("office", {"run": "3"})
    assert await pins.of("office") == {"run": "3", "send": "2"}
    assert await pins.of("shop") == {"run": "9"}
    assert await pins.of("other") == {}


async def test_one_is_forgotten_and_the_others_are_listed(state: State) -> None:
    pins = ToolPins(state)
    await pins.keep("shop", {"run": "9"})
    await pins.keep("office", {"run": "1", "send": "2"})
    await pins.forget("office", "run")
    assert [(one.server, one.tool, one.digest) for one in await pins.list()] == [
        ("office", "send", "2"),
        ("shop", "run", "9"),
    ]
    assert await pins.of("office") == {"send": "2"}


async def test_a_file_from_before_pins_gets_their_table(tmp_path: Path) -> None:
    state = open_state(tmp_path / "regate.db")
    with state.write() as connection:
        connection.exec_driver_sql("DROP TABLE tool_pins")
    make_old(state, 6)
    state.close()

    upgraded = open_state(tmp_path / "regate.db")
    await ToolPins(upgraded).keep("office", {"run": "1"})
    assert await ToolPins(upgraded).of("office") == {"run": "1"}
    upgraded.close()
