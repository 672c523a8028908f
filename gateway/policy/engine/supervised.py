"""An engine whose policy lives in a child process: watched, restarted, replaced whole when policy changes."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Protocol

from gateway.contract import Decision
from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.source.source import PolicySource
from gateway.policy.source.tables import Tables

_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0  # seconds between restarts
_STEADY_SECONDS = 10.0  # a child that lived so long was no part of a series of failures
_POLL_SECONDS = 0.05
_HUNG = 3  # questions in a row without an answer


class Child(Protocol):
    """A process that decides by one policy source until it ends."""

    asked: int
    """Decisions in flight."""

    @property
    def pid(self) -> int: ...

    async def start(self) -> None:
        """Start. Raises ConfigError, PolicyUnavailable; nothing is left running then."""
        ...

    async def take(self, tables: Tables, /) -> bool:
        """Decide by these tables from now on; return False where another child has to be started for that.

        Raises PolicyUnavailable.
        """
        ...

    async def decide(self, document: dict[str, Any]) -> Decision: ...

    async def ended(self) -> None:
        """Wait until the process is gone."""
        ...

    async def stop(self) -> None: ...


class Supervised(ABC):
    """A PolicyEngine over child processes.

    A new source gets a child of its own; once that one decides, it takes over, and the old one answers what
    it was asked and ends. So no decision is made by a revision other than the one it is stamped with.
    """

    def __init__(self, timeout_seconds: float, log: logging.Logger) -> None:
        self._timeout_seconds = timeout_seconds
        self._log = log
        self._child: Child | None = None
        self._source: PolicySource | None = None
        self._delay = _FIRST_DELAY
        self._failures = 0
        self._turn = asyncio.Lock()  # one child is started at a time
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: set[Child] = set()  # replaced, and not stopped yet

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    def ready(self) -> bool:
        return self._child is not None

    @property
    def pid(self) -> int:
        """Of the child in force, -1 when there is none."""
        return self._child.pid if self._child else -1

    async def start(self, source: PolicySource) -> None:
        async with self._turn:
            child = self._new_child(source)
            await child.start()
            old, self._source = self._child, source
            self._delay = _FIRST_DELAY
            self._adopt(child)
        if old:
            self._leaving.add(old)
            self._keep(self._retire(old))

    async def renew(self, source: PolicySource) -> None:
        """Put other tables beside the policy in force, which is not compiled again where the engine can."""
        async with self._turn:
            if self._child and await self._child.take(source.tables):
                self._source = source
                return
        await self.start(source)

    async def try_out(self, source: PolicySource) -> None:
        """Start a child with `source` and end it: what raises here could not be put in force either."""
        child = self._new_child(source)
        await child.start()
        await child.stop()

    async def decide(self, document: dict[str, Any]) -> Decision:
        child = self._child
        if child is None:
            raise PolicyUnavailable("the policy engine is not running")
        try:
            decision = await child.decide(document)
        except PolicyUnavailable:
            self._count_failure(child)
            raise
        self._failures = 0
        return decision

    async def close(self) -> None:
        """End every child and everything that watches one."""
        child, self._child, self._source = self._child, None, None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # a task that was canceled before its first step has stopped nothing
        for each in [child, *self._leaving] if child else list(self._leaving):
            await self._stop(each)

    @abstractmethod
    def _new_child(self, source: PolicySource) -> Child: ...

    def _count_failure(self, child: Child) -> None:
        """Replace a child that hangs. Others that asked the same child and find out later change nothing."""
        if child is not self._child:
            return
        self._failures += 1
        if self._failures < _HUNG:
            return
        self._log.error("the %s policy engine does not answer; it is replaced", self.name)
        self._child = None
        self._leaving.add(child)
        self._keep(self._stop(child))
        self._keep(self._bring_back())

    def _adopt(self, child: Child) -> None:
        self._child, self._failures = child, 0
        self._keep(self._watch(child))

    async def _watch(self, child: Child) -> None:
        """Put another child in the place of one that ends unasked."""
        born = asyncio.get_running_loop().time()
        await child.ended()
        if self._child is not child:
            return
        self._child = None
        self._log.error("the %s policy engine ended; no request passes until it is back", self.name)
        if asyncio.get_running_loop().time() - born > _STEADY_SECONDS:
            self._delay = _FIRST_DELAY
        await child.stop()
        await self._bring_back()

    async def _bring_back(self) -> None:
        while self._child is None and self._source is not None:
            await asyncio.sleep(self._delay)
            self._delay = min(self._delay * 2, _LAST_DELAY)
            await self._restart()

    async def _restart(self) -> None:
        async with self._turn:
            if self._child is not None or self._source is None:
                return
            child = self._new_child(self._source)
            try:
                await child.start()
            except (ConfigError, PolicyUnavailable) as error:
                self._log.error("the %s policy engine did not come back: %s", self.name, error)
                return
            self._log.warning("the %s policy engine is back", self.name)
            self._adopt(child)

    async def _retire(self, child: Child) -> None:
        """End a replaced child when it has answered, or when no caller waits for its answers any more."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while child.asked:  # noqa: ASYNC110 - a rare and short wait
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            self._log.warning("a replaced policy engine still had questions open")
        finally:
            await self._stop(child)

    async def _stop(self, child: Child) -> None:
        await child.stop()
        self._leaving.discard(child)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
