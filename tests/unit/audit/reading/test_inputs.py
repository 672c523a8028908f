"""Decisions out of the journal, wherever they lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.audit.reading.inputs import (
    EvidenceUnreadable,
    count_decisions,
    decision_lines,
    dropped,
    find_decision,
)
from tests.unit.audit.conftest import Evidence


@pytest.mark.parametrize("sealed", [False, True])
def test_each_decision_is_read_once(written: Evidence, sealed: bool) -> None:
    """From the live segment, and from the sealed file."""
    if sealed:
        written.sealer().seal(everything=True)
    assert len(list(decision_lines(written.root))) == count_decisions(written.root) == 10
    later = datetime.now(UTC) + timedelta(hours=1)
    assert list(decision_lines(written.root, later)) == []
    assert dropped(written.root) == (0, 0)
    found = find_decision(written.root, "de_4")
    assert found is not None
    assert (found.decision_id, found.lost) == ("de_4", "erased")
    assert find_decision(written.root, "de_none") is None


def test_a_log_that_cannot_be_read_is_told(written: Evidence) -> None:
    """The message sends to the command that names the damage."""
    written.folder.seals.write_bytes(b"nonsense\n")
    with pytest.raises(EvidenceUnreadable, match="regate audit verify"):
        list(decision_lines(written.root))
