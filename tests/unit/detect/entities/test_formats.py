"""The formats of issued secrets."""

from gateway.detect.entities.formats import FORMATS


def test_every_format_has_a_pattern_of_its_own_and_an_issued_one_is_sure() -> None:
    patterns = [one.pattern.pattern for one in FORMATS]
    assert len(set(patterns)) == len(patterns) > 20
    assert all(one.score >= 0.8 for one in FORMATS)
