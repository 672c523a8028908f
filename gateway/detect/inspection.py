"""Inspection on the event loop: small texts at once, large ones in a thread, late ones refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from gateway.detect.inspector import Inspector
from gateway.detect.joins import joins, spread
from gateway.errors import InspectionFailed
from gateway.exchange import Finding, Part

# A kB costs 1 to 5 ms; a hop to a thread costs 0.1 ms. Beyond this a stall would show in other streams.
_INLINE_CHARACTERS = 4096
_THREADS = 2  # pattern matching holds the GIL, so more threads would only share it out


class Inspection:
    """The async face of an Inspector."""

    def __init__(self, inspector: Inspector, deadline_seconds: float) -> None:
        self._inspector = inspector
        self._deadline = deadline_seconds
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="inspect")

    async def find(self, parts: Sequence[Part]) -> tuple[tuple[Finding, ...], ...]:
        """The findings of each part, what goes on from one into the next included.

        Raises InspectionFailed when that fails or is late.
        """
        joined = joins(parts)
        found = await self._find([*parts, *(join.part for join in joined)])
        own, across = found[: len(parts)], found[len(parts) :]
        return spread(parts, own, list(zip(joined, across, strict=True)))

    async def _find(self, parts: Sequence[Part]) -> tuple[tuple[Finding, ...], ...]:
        unknown = sum(len(part.text) for part in parts if not self._inspector.is_known(part))
        if unknown <= _INLINE_CHARACTERS:
            return self._inspector.find(parts)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline):
                return await loop.run_in_executor(self._threads, self._inspector.find, parts)
        except TimeoutError as error:
            raise InspectionFailed(
                f"the prompt could not be inspected within {self._deadline:g} seconds"
            ) from error

    async def close(self) -> None:
        """Let go of the threads; what they still inspect is abandoned."""
        self._threads.shutdown(wait=False, cancel_futures=True)
