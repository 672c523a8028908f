"""The remover's child process."""

from __future__ import annotations

from gateway.audit.files import parquet
from gateway.audit.files.line import check_either, is_withheld
from gateway.audit.sealing.removal import Order, anew
from gateway.audit.sealing.removal_worker import write_anew
from tests.unit.audit.conftest import Evidence

_EVER = "9999"


def test_bodies_of_one_session_go_and_the_chain_stays(written: Evidence) -> None:
    """Four of ten records are of this session."""
    written.sealer().seal(everything=True)
    path = written.sealed()
    before = list(parquet.lines(path))
    made = write_anew(written.folder, path, [Order("se_0", "", _EVER)])
    after = list(parquet.lines(anew(written.folder, path, made.parquet_sha256)))

    assert made.bodies == sum(map(is_withheld, after)) == 4
    assert [check_either(line) for line in after] == [check_either(line) for line in before]


def test_an_order_that_names_nothing_writes_nothing(written: Evidence) -> None:
    """The file stays, and nothing lies beside it."""
    written.sealer().seal(everything=True)
    made = write_anew(written.folder, written.sealed(), [Order("se_none", "", _EVER)])
    assert (made.bodies, made.parquet_sha256) == (0, "")
    assert not list(written.folder.sealed.glob("*.*"))
