"""A writer's chain on disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gateway.audit.files.line import check
from gateway.audit.files.record import draft
from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.segment import LiveChain
from tests.unit.audit.conftest import Evidence, decision


@pytest.fixture
def chain(evidence: Evidence) -> LiveChain:
    evidence.folder.prepare()
    chain = made(evidence, lambda _: None)
    chain.start(open_signer(evidence.key, evidence.folder))
    return chain


def made(evidence: Evidence, remember: Callable[[str], None], writer: str = "w1") -> LiveChain:
    return LiveChain(
        evidence.folder,
        writer,
        segment_bytes=10_000_000,
        segment_seconds=3600,
        rename=lambda: "w2",
        remember=remember,
    )


def append(chain: LiveChain, *numbers: int) -> None:
    chain.append([draft(decision(number), datetime.now(UTC)) for number in numbers])


def test_a_batch_ends_in_one_signature(evidence: Evidence, chain: LiveChain) -> None:
    """Its records follow each other."""
    append(chain, 1, 2, 3)
    chain.abandon()
    links = [check(line) for line in evidence.live().read_bytes().splitlines()]
    assert [bool(link.signature) for link in links] == [False, False, True]
    assert [link.prev for link in links[1:]] == [link.hash for link in links[:-1]]
    assert (chain.head.seq, chain.head.hash) == (3, links[-1].hash)


def test_a_segment_that_was_taken_away_loses_its_writer(evidence: Evidence, chain: LiveChain) -> None:
    """The batch is refused, and a fresh writer goes on."""
    append(chain, 1)
    evidence.live().unlink()
    with pytest.raises(OSError, match="is lost to its writer"):
        append(chain, 2)
    append(chain, 2)
    chain.abandon()
    assert chain.writer == "w2"


def test_a_name_that_cannot_be_a_writers_is_refused(evidence: Evidence) -> None:
    """It would become a path."""
    with pytest.raises(ValueError, match="cannot name a writer"):
        made(evidence, lambda _: None, "../w")


def test_a_writer_is_remembered_once_before_its_first_record(evidence: Evidence) -> None:
    """Its name goes where the folder cannot lose it."""
    evidence.folder.prepare()
    remembered: list[str] = []
    chain = made(evidence, remembered.append)
    chain.start(open_signer(evidence.key, evidence.folder))
    append(chain, 1)
    append(chain, 2)
    chain.abandon()
    assert remembered == ["w1"]
