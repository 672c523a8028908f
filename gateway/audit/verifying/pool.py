"""Work for several cores: a process each, started when there is enough to do."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class TaskPool(AbstractContextManager["TaskPool"]):
    """Maps functions over tasks, in order, on `jobs` processes; with one job, in this process."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        # spawned: a fork would take the caller's threads and locks along
        self._executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) if jobs > 1 else None

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield results in the tasks' order; no more than a few are under way or waiting to be taken."""
        if self._executor is None:
            yield from map(work, tasks)
            return
        under_way: deque[Future[R]] = deque()
        for task in tasks:
            under_way.append(self._executor.submit(work, task))
            if len(under_way) > 2 * self._jobs:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
