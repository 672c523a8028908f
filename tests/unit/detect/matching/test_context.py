"""A weak match counts for more behind a word that names it."""

import pytest

from gateway.detect.matching.context import Context


@pytest.mark.parametrize(
    ("text", "key", "score"),
    [
        ("my ssn is ", "", 0.4),
        ("nothing here ", "", 0.05),
        ("", "userSsn", 0.4),
        ("ssn one two three four five six ", "", 0.05),
    ],
)
def test_only_a_near_word_or_the_key_raises_a_score(text: str, key: str, score: float) -> None:
    assert Context(text, key).boosted(0.05, len(text), ("ssn",)) == pytest.approx(score)
    assert Context(text, key).boosted(1.0, len(text), ("ssn",)) == 1.0
