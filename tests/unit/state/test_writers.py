"""Writers of evidence, as the state remembers them."""

from __future__ import annotations

from pathlib import Path

from gateway.state import WriterStore, open_state
from gateway.state.database import State
from tests.unit.state.conftest import make_old


def test_a_writer_is_remembered_once(state: State) -> None:
    store = WriterStore(state)
    store.remember("w1")
    store.remember("w1")
    store.remember("w2")
    assert store.known() == {"w1", "w2"}


def test_a_file_from_before_writers_gets_their_table(tmp_path: Path) -> None:
    state = open_state(tmp_path / "regate.db")
    with state.write() as connection:
        connection.exec_driver_sql("DROP TABLE writers")
    make_old(state, 5)
    state.close()

    upgraded = open_state(tmp_path / "regate.db")
    WriterStore(upgraded).remember("w1")
    assert WriterStore(upgraded).known() == {"w1"}
    upgraded.close()
