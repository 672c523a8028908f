"""The two ends of a line."""

from __future__ import annotations

from gateway.audit.files.line import check
from gateway.audit.shipping.places import place_of
from tests.unit.audit.conftest import Evidence


def test_a_place_is_what_the_proof_of_the_line_says(written: Evidence) -> None:
    for line in written.live().read_bytes().splitlines():
        place, link = place_of(line), check(line)
        assert place
        assert (place.writer, place.seq, place.prev, place.hash) == (
            link.writer,
            link.seq,
            link.prev,
            link.hash,
        )
        assert place.recorded_at == link.recorded_at
        assert place_of(line[:-1]) is None
        assert place_of(line[1:]) is None
