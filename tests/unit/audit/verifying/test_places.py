"""Where records are, and what was found there."""

from __future__ import annotations

from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.signing import load_verifier
from gateway.audit.verifying.places import ReadSeals, Results
from gateway.audit.verifying.pool import TaskPool
from tests.unit.audit.conftest import Evidence, decision


def test_segments_of_one_file_have_their_lines_one_behind_the_other(evidence: Evidence) -> None:
    """The file is proved once for both."""
    for number in range(2):
        journal = evidence.journal()
        for each in range(3):
            journal.record_sync(decision(3 * number + each))
        journal.close()
    evidence.sealer().seal(everything=True)
    keys = follow_keys([], load_verifier(evidence.key.with_suffix(".pub")), lambda *_: None)
    told: list[int] = []
    with TaskPool(1) as pool:
        seals = ReadSeals(evidence.folder, pool)
        seals.read(keys, lambda *_: None)
        places = list(seals.places())
        assert [(place.first, place.last) for place in places] == [(1, 3), (4, 6)]
        results = Results(pool, places, told.append)
        assert results.of(places[0].task) is results.of(places[1].task)
    assert told == [evidence.sealed().stat().st_size]
