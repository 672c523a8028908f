"""Every record once, live or sealed."""

from __future__ import annotations

import duckdb
import pytest

from gateway.audit.reading.live_and_sealed import verbatim_lines
from tests.unit.audit.conftest import Evidence


def lines(evidence: Evidence) -> list[bytes]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT line FROM ({verbatim_lines(evidence.folder)})").fetchall()
    return sorted(line.encode() for (line,) in found)


def test_lines_are_the_same_before_and_after_sealing(written: Evidence) -> None:
    """Byte for byte, and each once."""
    before = sorted(written.live().read_bytes().splitlines())
    assert lines(written) == before
    written.sealer().seal(everything=True)
    assert lines(written) == before


def test_a_sealed_file_that_is_gone_fails_the_query(written: Evidence) -> None:
    """Records are never left out silently."""
    written.sealer(bury=0).seal(everything=True)
    written.sealed().unlink()
    with pytest.raises(duckdb.Error, match="a file of the evidence is gone"):
        lines(written)


def test_a_chain_of_no_registered_writer_is_left_out(written: Evidence) -> None:
    """It was put into the folder by hand."""
    stray = written.folder.journal / "w0-000001.ndjson"
    stray.write_bytes(written.live().read_bytes())
    assert len(lines(written)) == 10
