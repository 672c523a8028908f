"""What a verification says."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.verifying.report import Breaks, Verification


def test_a_break_names_its_file_line_and_record() -> None:
    """Files under the folder go by their name in it."""
    found = Verification()
    breaks = Breaks(Path("/audit"), found)
    assert found.intact
    breaks.add(Path("/audit/journal/a.ndjson"), "it was changed", 3, "w1", 7)
    breaks.teller(Path("/elsewhere/key.pub"))("it is gone", -1)

    assert not found.intact
    assert list(map(str, found.breaks)) == [
        "journal/a.ndjson:3: record w1:7: it was changed",
        "/elsewhere/key.pub: it is gone",
    ]
    assert found.document()["intact"] is False
