"""Results are remembered by text and key, within a bound."""

from __future__ import annotations

from gateway.detect.service.cache import ResultCache
from gateway.words import Match


def test_the_cache_forgets_the_oldest_result_when_it_is_full() -> None:
    cache = ResultCache(limit_bytes=2000)
    span = Match("EMAIL_ADDRESS", "pii", 1.0, 0, 3)
    for number in range(10):
        cache[cache.digest(str(number), "")] = (span,)
        assert cache.bytes <= 2000
    assert cache[cache.digest("0", "")] is None
    assert cache[cache.digest("9", "")] == (span,)
    assert cache[cache.digest("9", "key")] is None


def test_texts_are_told_apart_however_key_and_text_are_cut() -> None:
    cache = ResultCache(limit_bytes=2000)
    assert cache.digest("b", "a") != cache.digest("ab", "") != cache.digest("", "ab")
    assert cache.digest("same", "k") == cache.digest("same", "k") != ResultCache(2000).digest("same", "k")
