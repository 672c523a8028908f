"""Attacks that read what a person had erased."""

from __future__ import annotations

import time
from pathlib import Path

from gateway.state import ApprovalStore
from tests.support.desk import open_desk


async def test_what_was_shown_of_an_overdue_approval_is_not_read_after_an_erasure(tmp_path: Path) -> None:
    """Its time has passed, and no process has written that down yet: what people were shown goes too."""
    async with open_desk(tmp_path) as desk:
        key, _ = desk.key("ana", "agent", agent="coder")
        approval = await desk.ask(key, "user: the text to erase")
        late = ApprovalStore(desk.state, lambda: time.time() + 1_000_000)

        with late.write() as rows:
            assert rows.shown(approval.id)
            _, still_open = rows.forget(session="", agent=approval.agent)

        with late.read() as rows:
            assert (still_open, rows.shown(approval.id)) == (0, None)
