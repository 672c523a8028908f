"""Inspection on the event loop: known texts from the cache, small ones at once, large ones in a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from gateway.detect.detector import Detector, findings, key_of
from gateway.detect.entities.ner import check_installed
from gateway.detect.matching.joins import Join, joins, spread
from gateway.detect.matching.patterns import Deadline, InspectionLate, in_time
from gateway.detect.service.cache import ResultCache
from gateway.detect.service.names import Names
from gateway.detect.service.pool import ProcessPool
from gateway.words import Finding, Match, Part

_CACHE_BYTES = 16 * 1024 * 1024
# What is inspected at once: a kB of nothing but values costs a millisecond, a process a third of one.
_INLINE_CHARACTERS = 4096
_INLINE_SECONDS = 0.008  # then a text goes the way of the large ones, whatever its size
_COLD = 10  # so many small texts are late because theirs is the first search for a pattern, which compiles it
# Over so many characters, parts or findings, also what is done beside the inspecting leaves the event loop.
_LARGE, _MANY = 256 * 1024, 1000
_THREADS = 2

_Text = tuple[str, str]  # JSON key, text
_Arguments = TypeVarTuple("_Arguments")
_R = TypeVar("_R")


class DetectionService:
    """The async face of a Detector: it remembers results, and never stalls the event loop."""

    def __init__(self, inspector: Detector, deadline_seconds: float) -> None:
        """Start nothing yet. Raises ConfigError when names are wanted and their extra is not installed."""
        if inspector.settings.ner.enabled:
            check_installed()
        self._inspector = inspector
        self.seconds = deadline_seconds
        self._cache = ResultCache(_CACHE_BYTES)
        self._pool = ProcessPool(inspector.settings, deadline_seconds)
        self._names = Names(inspector.settings, deadline_seconds) if inspector.settings.ner.enabled else None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="inspect")
        self._late = 0  # small texts that were not inspected in time on the loop

    async def find(self, parts: Sequence[Part], *, names: bool = False) -> tuple[tuple[Finding, ...], ...]:
        """Return the findings of each part, those that cross from one part into the next included.

        With `names`, those of people and places too, where the settings want them. Raises InspectionFailed
        when that fails or is late.
        """
        many = len(parts) > _MANY or sum(len(part.text) for part in parts) > _LARGE
        wanted = self._names if names else None
        async with in_time(self.seconds, many or wanted is not None):
            joined = await _maybe_in_thread(many, joins, parts)
            found = await self._found([*parts, *(join.part for join in joined)])
            much = many or sum(map(len, found)) > _MANY
            whole = await _maybe_in_thread(much, _placed, parts, joined, found)
            return await wanted.added(parts, whole) if wanted else whole

    def is_warm(self) -> bool:
        """Return whether every needed process is up, and start those that are not."""
        return all([self._pool.ensure_started(), self._names is None or self._names.is_warm()])

    async def close(self) -> None:
        """End the processes and let go of the threads; what they still inspect is abandoned."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._pool.close()
        if self._names:
            await self._names.close()

    async def _found(self, parts: Sequence[Part]) -> list[tuple[Match, ...]]:
        """Return what is found in each part on its own."""
        texts = [(key_of(part), part.text) for part in parts]
        many = len(parts) > _MANY or sum(len(text) for _, text in texts) > _LARGE
        digests = await _maybe_in_thread(many, self._digests, texts)
        found = {digest: spans for digest in digests if (spans := self._cache[digest]) is not None}
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in found}
        if missing:
            found |= await self._inspected(missing)
        return [found[digest] for digest in digests]

    def _digests(self, texts: Sequence[_Text]) -> list[bytes]:
        return [self._cache.digest(text, key) for key, text in texts]

    async def _inspected(self, missing: Mapping[bytes, _Text]) -> dict[bytes, tuple[Match, ...]]:
        found: dict[bytes, tuple[Match, ...]] = {}
        if sum(len(text) for _, text in missing.values()) <= _INLINE_CHARACTERS:
            found = self._inline(missing)
        rest = {digest: text for digest, text in missing.items() if digest not in found}
        if rest:
            async with in_time(self.seconds):
                found |= zip(rest, await self._off_loop(list(rest.values())), strict=True)
        for digest in missing:
            self._cache[digest] = found[digest]
        return found

    def _inline(self, missing: Mapping[bytes, _Text]) -> dict[bytes, tuple[Match, ...]]:
        """Inspect here what can be done within the time that other exchanges can wait."""
        found: dict[bytes, tuple[Match, ...]] = {}
        end = time.monotonic() + _INLINE_SECONDS
        for digest, (key, text) in missing.items():
            try:
                found[digest] = self._inspector.inspect(text, key=key, seconds=end - time.monotonic())
            except InspectionLate:
                break
        return found

    async def _off_loop(self, texts: Sequence[_Text]) -> Sequence[tuple[Match, ...]]:
        """Inspect in a process, or in a thread while none is up: a start takes seconds.

        The first few small texts are no reason for one.
        """
        is_small = sum(len(text) for _, text in texts) <= _INLINE_CHARACTERS
        self._late += is_small
        if not (is_small and self._late <= _COLD) and self._pool.ensure_started():
            return await self._pool.inspect(texts)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._in_thread, texts)

    def _in_thread(self, texts: Sequence[_Text]) -> list[tuple[Match, ...]]:
        deadline = Deadline(self.seconds)  # of all together: what comes after it is not waited for
        return [self._inspector.inspect(text, key=key, seconds=deadline.left()) for key, text in texts]


def _placed(
    parts: Sequence[Part], joined: Sequence[Join], found: Sequence[tuple[Match, ...]]
) -> tuple[tuple[Finding, ...], ...]:
    """Return the findings of each part; `found` are the spans in the parts, and in the joins behind them."""
    own = [findings(part, spans) for part, spans in zip(parts, found, strict=False)]
    return spread(parts, own, zip(joined, found[len(parts) :], strict=True))


async def _maybe_in_thread(long: bool, work: Callable[[*_Arguments], _R], *given: *_Arguments) -> _R:
    """Do it here, or in a thread when it takes longer than the loop should stand still."""
    return await asyncio.to_thread(work, *given) if long else work(*given)
