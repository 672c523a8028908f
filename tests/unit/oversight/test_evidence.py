"""Evidence as the API and the console ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit import Journal, Record, new_writer
from gateway.audit.reading import QueryRefused
from gateway.oversight import Busy, Evidence, NotInEvidence


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    journal = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "evidence.key")
    journal.start()
    for number in range(3):
        journal.record_sync(
            Record("decision", exchange_id=f"ex_{number}", session_id="se_1", phase="request")
        )
    yield tmp_path / "audit"
    journal.close()


async def test_rows_are_bounded(root: Path) -> None:
    """An answer that was cut says so."""
    evidence = Evidence(root)
    whole, cut = [await evidence.sql("SELECT seq FROM records ORDER BY seq", rows=n) for n in (3, 2)]
    assert (whole.rows, whole.truncated) == ([[1], [2], [3]], False)
    assert (cut.rows, cut.truncated) == ([[1], [2]], True)
    with pytest.raises(QueryRefused):
        await evidence.sql("DROP VIEW records")


async def test_what_is_not_there_is_told(root: Path) -> None:
    """And what is there is found."""
    evidence = Evidence(root)
    assert len((await evidence.session("se_1"))["exchanges"]) == 3
    for asked in (evidence.session("se_2"), evidence.exchange("ex_9")):
        with pytest.raises(NotInEvidence):
            await asked


async def test_too_many_at_once_are_refused(root: Path) -> None:
    """Instead of waiting for ever."""
    with pytest.raises(Busy):
        await Evidence(root, children=0, waiting=0).sql("SELECT 1")
