"""What the signed logs say as views: exact, or an error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.audit.files import open_signer
from gateway.audit.reading.described import LOG_VIEWS
from gateway.audit.reading.sql import QueryFailed
from gateway.audit.sealing import Order, order_erasure
from tests.unit.audit.conftest import Evidence, decision


@pytest.fixture
def sealed(evidence: Evidence) -> Evidence:
    """Four records of two writers, sealed and buried."""
    for _ in range(2):
        journal = evidence.journal()
        for number in range(2):
            journal.record_sync(decision(number))
        journal.close()
    sealer = evidence.sealer()
    sealer.seal()
    sealer.seal()
    return evidence


def test_writers_and_their_heads(sealed: Evidence) -> None:
    """Each writer is registered before its first record, and its last record is signed."""
    assert sealed.rows("SELECT signed_seq, born_at <= signed_at FROM writers") == [[2, True], [2, True]]
    assert sealed.rows("SELECT count(DISTINCT writer), max(seq) FROM heads") == [[2, 2]]


def test_seals_count_every_record(sealed: Evidence) -> None:
    """The numbers are those of the signed seals."""
    assert sealed.rows("SELECT sum(records), bool_and(first_at <= last_at) FROM seals") == [[4, True]]


def test_removals_say_what_went(sealed: Evidence) -> None:
    """The order first, then the file that was written anew for it."""
    signer = open_signer(sealed.key, sealed.folder)
    order_erasure(sealed.folder, signer, Order("se_1"), datetime.now(UTC))
    sealed.sealer().seal()

    found = sealed.rows("SELECT what, session_id, sum(bodies) FROM removals GROUP BY ALL ORDER BY what")
    assert found == [["erased", None, 2], ["ordered", "se_1", None]]


@pytest.mark.parametrize("view", LOG_VIEWS)
def test_a_log_that_lost_its_lines_is_an_error(sealed: Evidence, view: str) -> None:
    """The sealed files that it no longer names are still there."""
    sealed.folder.seals.write_bytes(b"")
    for path in sealed.folder.live_files():
        path.unlink()

    with pytest.raises(QueryFailed, match=r"has no seal|is gone"):
        sealed.rows(f"SELECT count(*) FROM {view}")


@pytest.mark.parametrize("view", LOG_VIEWS)
def test_a_line_that_cannot_be_read_is_an_error(sealed: Evidence, view: str) -> None:
    """A line may say anything; left out, it would be missed."""
    for log in (sealed.folder.seals, sealed.folder.checkpoints):
        log.write_bytes(b'{"kind":"seal","fi\n' + log.read_bytes())

    with pytest.raises(QueryFailed, match=r"(?i)json"):
        sealed.rows(f"SELECT count(*) FROM {view}")
