"""Names in a prompt: each text is read once, in other processes, and what was found counts everywhere."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.config import Detect
from gateway.detect.detector import findings
from gateway.detect.entities.allowed import Allowed
from gateway.detect.entities.ner import cut
from gateway.detect.matching.overlaps import resolve
from gateway.detect.service.cache import ResultCache
from gateway.detect.service.pool import ProcessPool
from gateway.errors import InspectionFailed
from gateway.words import Finding, Match, Part

_CACHE_BYTES = 16 * 1024 * 1024
_PROSE = frozenset({"text", "system", "tool_result"})  # definitions, arguments and fields are no language
_SHARE = 8 * 1024  # characters: of a longer text each process reads some
_MOST_PROCESSES = 4  # a model has 110 MB
_EARLIER = 0.95  # of the time of an inspection: so that a refusal says what took it
_LEAST = 3  # letters: what is shorter is no name that can be looked for elsewhere
_LARGE = 64 * 1024  # characters: looked through off the event loop
_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")

_Spans = tuple[Match, ...]


class Names:
    """People and places, read in a process that is ended when it is late; what a text held is remembered."""

    def __init__(self, settings: Detect, seconds: float) -> None:
        self._off = frozenset(settings.off)
        self._threshold_of = settings.threshold_of
        self._allowed = Allowed(settings.allow)
        self._cache = ResultCache(_CACHE_BYTES)
        self._seconds = seconds
        self._size = min(_MOST_PROCESSES, os.cpu_count() or 1)
        self._pool = ProcessPool(settings, _EARLIER * seconds, reads="names", size=self._size)

    def is_warm(self) -> bool:
        """Return whether a process is up, and start one if not."""
        return self._pool.ensure_started()

    async def added(
        self, parts: Sequence[Part], found: Sequence[tuple[Finding, ...]]
    ) -> tuple[tuple[Finding, ...], ...]:
        """Return the findings of each part with the names in it. Raises InspectionFailed."""
        spans = await self._read(parts)
        if not any(spans.values()):
            return tuple(found)
        if sum(len(part.text) for part in parts) > _LARGE:
            return await asyncio.to_thread(_everywhere, parts, found, spans)
        return _everywhere(parts, found, spans)

    async def close(self) -> None:
        """End the processes."""
        await self._pool.close()

    async def _read(self, parts: Sequence[Part]) -> dict[int, _Spans]:
        """Return the names that the model finds, by the number of the part."""
        digests = {
            number: self._cache.digest(part.text, "")
            for number, part in enumerate(parts)
            if part.kind in _PROSE and part.place == "value" and _LETTER.search(part.text)
        }
        known = {digest: spans for digest in digests.values() if (spans := self._cache[digest]) is not None}
        missing = {digest: parts[number].text for number, digest in digests.items() if digest not in known}
        if missing:
            read = await self._shared(list(missing.values()))
            for (digest, text), spans in zip(missing.items(), read, strict=True):
                wanted = tuple(span for span in spans if self._is_wanted(text, span))
                known[digest] = self._cache[digest] = wanted
        return {number: known[digest] for number, digest in digests.items()}

    async def _shared(self, texts: Sequence[str]) -> list[_Spans]:
        """Return what the processes read in the texts, each of them a share. Raises InspectionFailed."""
        pieces = [(number, at, piece) for number, text in enumerate(texts) for at, piece in cut(text, _SHARE)]
        shares = _shares(pieces, self._size)
        asked = [self._pool.inspect([("", piece) for _, _, piece in share]) for share in shares]
        self._pool.ensure_started(len(shares))
        began = time.monotonic()
        try:
            answers = await asyncio.gather(*asked)
        except InspectionFailed as error:
            if time.monotonic() - began < _EARLIER * self._seconds:
                raise
            kilobytes = sum(map(len, texts)) // 1000
            raise InspectionFailed(
                f"{kilobytes} kB of new text could not be read for names in {self._seconds:g} seconds "
                "(detect.ner, limits.inspect_seconds)"
            ) from error
        found: list[set[Match]] = [set() for _ in texts]
        for share, answer in zip(shares, answers, strict=True):
            for (number, at, _), spans in zip(share, answer, strict=True):
                found[number] |= {replace(one, start=one.start + at, end=one.end + at) for one in spans}
        return [tuple(sorted(spans, key=lambda one: (one.start, one.end))) for spans in found]

    def _is_wanted(self, text: str, span: Match) -> bool:
        is_on = span.score >= self._threshold_of(span.entity) and span.entity not in self._off
        return is_on and not self._allowed.allows(text, span)


_Piece = tuple[int, int, str]  # the number of the text, where the piece stands in it, and the piece


def _shares(pieces: Sequence[_Piece], count: int) -> list[list[_Piece]]:
    """Return the pieces in so many shares at most, none much longer than another; short ones in one."""
    count = max(1, min(count, sum(len(piece) for _, _, piece in pieces) // _SHARE))
    shares: list[list[_Piece]] = [[] for _ in range(count)]
    lengths = [0] * count
    for piece in sorted(pieces, key=lambda one: -len(one[2])):
        least = lengths.index(min(lengths))
        shares[least].append(piece)
        lengths[least] += len(piece[2])
    return shares


def _everywhere(
    parts: Sequence[Part], found: Sequence[tuple[Finding, ...]], spans: Mapping[int, _Spans]
) -> tuple[tuple[Finding, ...], ...]:
    """Add each name to every part that holds it: the model finds it in one sentence and not in the next."""
    names = {
        parts[number].text[span.start : span.end]: span for number, found in spans.items() for span in found
    }
    by_word: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        # One word in small letters may well be no name where it stands elsewhere.
        if len(name) >= _LEAST and not (name.islower() and name.isalpha()):
            by_word.setdefault(_WORD.findall(name)[0], []).append(name)

    def of(number: int, part: Part) -> tuple[Finding, ...]:
        own = [Match(one.entity, one.category, one.score, one.start, one.end) for one in found[number]]
        there = [*spans.get(number, ()), *_occurrences(part.text, by_word, names)]
        return findings(part, resolve([*own, *there])) if there else found[number]

    return tuple(
        of(number, part) if part.place == "value" else found[number] for number, part in enumerate(parts)
    )


def _occurrences(
    text: str, by_word: Mapping[str, Sequence[str]], names: Mapping[str, Match]
) -> Iterator[Match]:
    for word in _WORD.finditer(text):
        for name in by_word.get(word.group(), ()):
            start, end = word.start(), word.start() + len(name)
            if text.startswith(name, start) and not text[end : end + 1].isalnum():
                yield Match(names[name].entity, names[name].category, names[name].score, start, end)
                break
