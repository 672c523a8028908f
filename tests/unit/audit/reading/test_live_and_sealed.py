"""Every record once, live or sealed."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from gateway.audit.reading.described import VIEWS
from gateway.audit.reading.live_and_sealed import verbatim_lines
from gateway.audit.reading.views import create_views
from tests.unit.audit.conftest import Evidence, decision


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


def append(evidence: Evidence, *documents: dict[str, Any]) -> None:
    """Add lines by hand, without a signature."""
    with evidence.folder.seals.open("ab") as log:
        log.writelines(json.dumps(document).encode() + b"\n" for document in documents)


def seal(*segments: str | None, visible_at: str | None = "2020-01-01T00:00:00Z") -> dict[str, Any]:
    named = [{"segment": segment} for segment in segments]
    return {"kind": "seal", "file": "x", "segments": named, "visible_at": visible_at}


def test_a_seal_without_a_segments_name_is_an_error_in_every_view(written: Evidence) -> None:
    """A NULL in the list would hide every row."""
    append(written, seal(None, "zzz", visible_at=None))
    with duckdb.connect() as connection:
        create_views(connection, written.folder)
        for view in VIEWS:
            with pytest.raises(duckdb.Error, match="see regate audit verify"):
                connection.execute(f"SELECT count(*) FROM {view}").fetchall()


@pytest.mark.parametrize("is_null", [True, False])
@pytest.mark.parametrize("lacking", ["kind", "file", "segments", "visible_at"])
def test_a_seal_that_lacks_anything_is_an_error(written: Evidence, lacking: str, is_null: bool) -> None:
    given = seal(written.live().stem)
    del given[lacking]
    append(written, given | ({lacking: None} if is_null else {}))
    with pytest.raises(duckdb.Error, match="see regate audit verify"):
        lines(written)


@pytest.mark.parametrize("visible_at", ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_seal_whose_file_never_was_hides_no_record(written: Evidence, visible_at: str) -> None:
    """Nor does a line that says that the file was dropped, or another segment beside the live one."""
    live = written.live().stem
    append(
        written,
        seal(live, "zzz", visible_at=visible_at),
        {"kind": "dropped", "path": "sealed/date=2020-01-01/x.parquet"},
    )
    assert len(lines(written)) == 10


def test_a_seal_that_will_be_visible_makes_no_segment_gone(written: Evidence) -> None:
    live = written.live()
    append(written, seal(live.stem, visible_at="2999-01-01T00:00:00Z"))
    live.unlink()
    with pytest.raises(duckdb.Error, match="is gone"):
        lines(written)


def test_a_second_seal_of_a_file_hides_no_record(written: Evidence) -> None:
    """It may name live segments whose records are in no sealed file."""
    written.sealer().seal(everything=True)
    journal = written.journal()
    journal.record_sync(decision(10))
    journal.close()
    (live,) = (path.stem for path in written.folder.live_files() if path.stem != written.sealed().stem)
    append(written, seal(live) | {"file": written.sealed().stem})
    with pytest.raises(duckdb.Error, match="two seals"):
        lines(written)
