"""A few inspecting processes, started when first wanted; a hung one is ended and another takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from gateway.config import Detect
from gateway.detect.service.process import DetectorProcess
from gateway.detect.service.worker import Reads
from gateway.errors import InspectionFailed
from gateway.words import Match

_SIZE = 2  # so that one text that takes long does not make every other wait
_MOST_WAITING = 64
_RETRY_SECONDS = 10.0
_T = TypeVar("_T")
_log = logging.getLogger("regate.detect")


class ProcessPool:
    """Inspects texts in other processes, each list within `seconds`, its time in the queue included."""

    def __init__(
        self, settings: Detect, seconds: float, *, reads: Reads = "values", size: int = _SIZE
    ) -> None:
        self._settings = settings
        self._reads = reads
        self._size = size
        self._seconds = seconds
        self._processes: set[DetectorProcess] = set()  # those that were up when last looked at
        self._busy: set[DetectorProcess] = set()
        self._idle: asyncio.Queue[DetectorProcess] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting = False
        self._waiting = 0
        self._not_before = 0.0  # loop time: when a start may be tried again

    def ensure_started(self, wanted: int = 1) -> bool:
        """Return whether a process can be asked; start one if all are busy, or fewer than wanted."""
        self._processes = {process for process in self._processes if process.is_up}
        is_few = self._processes <= self._busy or len(self._processes) < wanted
        is_wanted = is_few and len(self._processes) < self._size and not self._starting
        if is_wanted and asyncio.get_running_loop().time() >= self._not_before:
            self._starting = True
            self._keep(asyncio.create_task(self._start(), name="inspecting process"))
        return bool(self._processes)

    async def inspect(self, texts: Sequence[tuple[str, str]]) -> list[tuple[Match, ...]]:
        """Return the matches of each text (JSON key, text). Raises InspectionFailed, also on a full queue."""
        if self._waiting >= _MOST_WAITING:
            raise InspectionFailed("too many large texts wait to be inspected")
        began = asyncio.get_running_loop().time()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                process = await self._next()
        except TimeoutError as error:
            raise InspectionFailed("the text could not be inspected in time") from error
        finally:
            self._waiting -= 1
        left = self._seconds - (asyncio.get_running_loop().time() - began)
        # a caller who leaves does not cost the process: its answer is awaited, so that the pipe stays in step
        return await asyncio.shield(self._keep(asyncio.create_task(self._ask(process, texts, left))))

    async def close(self) -> None:
        """End every process and wait until it is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in self._processes))

    async def _next(self) -> DetectorProcess:
        """Return an idle process that is up."""
        while True:
            process = await self._idle.get()
            if process.is_up:
                return process
            self.ensure_started()  # it died while it was idle: see to another

    async def _ask(
        self, process: DetectorProcess, texts: Sequence[tuple[str, str]], seconds: float
    ) -> list[tuple[Match, ...]]:
        self._busy.add(process)
        try:
            return await process.inspect(texts, seconds)
        finally:
            self._busy.discard(process)
            if process.is_up:
                self._idle.put_nowait(process)
            else:
                await process.stop()
                self.ensure_started()

    async def _start(self) -> None:
        process = DetectorProcess(self._settings, self._seconds, self._reads)
        try:
            await process.start()
        except InspectionFailed as error:
            self._not_before = asyncio.get_running_loop().time() + _RETRY_SECONDS
            _log.error("%s", error.message)
            return
        finally:
            self._starting = False
        self._processes.add(process)
        self._idle.put_nowait(process)

    def _keep(self, task: asyncio.Task[_T]) -> asyncio.Task[_T]:
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: its caller may have left
