"""One regorus child process with one policy source: asked through pipes, one question at a time."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.contract import Decision, parse_decision
from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy.engine.builtins import REFUSED, explained
from gateway.policy.engine.engine import encode, probe
from gateway.policy.source.source import PolicySource
from gateway.policy.source.tables import Tables
from gateway.processes import encode_message, kill, receive_message, spawn, stop

START_SECONDS = 20.0
_WORKER = Path(__file__).with_name("worker.py")
_PLACE = re.compile(r"--> (\S+\.rego:\d+):\d+")
_MAX_ANSWER = 4 * 1024 * 1024  # bytes


class RegorusProcess:
    """A child that keeps its source until it ends. A question that takes too long ends it."""

    def __init__(self, source: PolicySource, timeout_seconds: float) -> None:
        self._source = source
        self._timeout_seconds = timeout_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()
        self._drain: asyncio.Task[bytes] | None = None
        self.asked = 0  # decisions in flight

    @property
    def pid(self) -> int:
        """Of the running child, -1 when there is none."""
        return self._process.pid if self._process else -1

    async def start(self) -> None:
        """Start the child and load the policy.

        Raises ConfigError, with file and line, when the policy cannot be used, PolicyUnavailable when the
        child does not come up. Nothing is left running then.
        """
        try:
            self._process = await spawn(Path(sys.executable), "-P", str(_WORKER))
            assert self._process.stderr is not None
            self._drain = asyncio.create_task(self._process.stderr.read())
            head = {"modules": list(self._source.modules), "refused": sorted(REFUSED)}
            texts = [text.encode() for text in self._source.modules.values()]
            tables = b'{"tables":' + self._source.tables.content + b"}"
            policy = [json.dumps(head).encode(), *texts, self._source.data_json, tables]
            answer = await self._exchange(policy, START_SECONDS)
            if "error" in answer:
                raise ConfigError(f"policy cannot be used: {self._named(answer['error'])}")
            await self._probe()
        except OSError as error:
            await self.stop()
            raise PolicyUnavailable(f"the embedded engine cannot be started: {error.strerror}") from error
        except BaseException:
            await self.stop()
            raise

    async def take(self, _tables: Tables) -> bool:
        """Return False: a child that reads megabytes answers nothing meanwhile, so another one does."""
        return False

    async def decide(self, document: dict[str, Any]) -> Decision:
        """Decide about one input. Raises PolicyUnavailable, PolicyError."""
        self.asked += 1
        try:
            answer = await self._ask(encode(document, wide_integers=False))
        finally:
            self.asked -= 1
        return self._parsed(answer)

    async def decide_each(self, documents: Sequence[dict[str, Any]]) -> AsyncIterator[Decision | PolicyError]:
        """Decide about many inputs in one go, in their order, each within the time-out.

        All are written at once, so that the child never waits for us: some hundred at a time. An input that
        fails gives its error. Raises PolicyUnavailable when the child is late with the next one or breaks
        off; it is gone then.
        """
        bodies = [_encoded(document) for document in documents]
        async with self._turn:
            self._send([body for body in bodies if isinstance(body, bytes)])
            unread = sum(isinstance(body, bytes) for body in bodies)
            try:
                for body in bodies:
                    if isinstance(body, PolicyError):
                        yield body
                        continue
                    answer = await self._within(self._timeout_seconds, self._receive)
                    unread -= 1
                    yield self._outcome(answer)
            finally:
                if unread and self._process:
                    kill(self._process)  # the caller left: the pipe is out of step

    async def ended(self) -> None:
        """Wait until the process is gone."""
        assert self._process is not None, "ended before start"
        await self._process.wait()

    async def stop(self) -> None:
        """End the process, for sure."""
        if self._process:
            try:
                await stop(self._process)
            finally:
                kill(self._process)
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._drain:
            await self._drain

    async def _ask(self, body: bytes) -> dict[str, Any]:
        """Ask within the time-out, waiting included. A caller who leaves leaves the pipe in step."""
        task = asyncio.create_task(self._take_turn(body, asyncio.get_running_loop().time()))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise PolicyUnavailable(
                f"the policy engine did not answer within {self._timeout_seconds} s"
            ) from error

    def _forget(self, task: asyncio.Task[dict[str, Any]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: its caller may have left

    async def _take_turn(self, body: bytes, asked: float) -> dict[str, Any]:
        async with self._turn:
            if asyncio.get_running_loop().time() - asked >= self._timeout_seconds:
                raise PolicyUnavailable("the policy engine was busy")  # the caller has stopped waiting
            return await self._exchange([body], self._timeout_seconds)

    async def _exchange(self, bodies: Sequence[bytes], seconds: float) -> dict[str, Any]:
        """Send the frames and return the one that answers them."""

        async def frame() -> bytes:
            await self._send(bodies).drain()
            return await self._receive()

        return await self._within(seconds, frame)

    async def _within(self, seconds: float, read: Callable[[], Awaitable[bytes]]) -> dict[str, Any]:
        """Wait for an answer in time. Any failure ends the child, because the pipe is out of step then."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                answer = json.loads(await read())
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, RecursionError) as error:
            kill(self._process)
            raise PolicyUnavailable("the embedded policy engine broke off or was late") from error
        except BaseException:
            kill(self._process)
            raise
        if not isinstance(answer, dict):
            kill(self._process)
            raise PolicyUnavailable("the embedded policy engine answered something else than an object")
        return answer

    def _send(self, bodies: Sequence[bytes]) -> asyncio.StreamWriter:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(map(encode_message, bodies)))
        return self._process.stdin

    async def _receive(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return await receive_message(self._process.stdout, _MAX_ANSWER)

    def _outcome(self, answer: dict[str, Any]) -> Decision | PolicyError:
        try:
            return self._parsed(answer)
        except PolicyError as error:
            return error

    def _parsed(self, answer: dict[str, Any]) -> Decision:
        if "error" in answer:
            place = _PLACE.search(answer["error"])
            raise PolicyError(
                f"the policy failed to evaluate at {place.group(1) if place else 'an unknown place'}"
            )
        if "result" not in answer:
            raise PolicyError(
                "policy is undefined for this request: expected an object at data.regate.decision"
            )
        return parse_decision(answer["result"], self._source.revision, self._source.tables.revisions)

    def _named(self, complaint: str) -> str:
        """Replace the paths that Regorus knows with the paths on disk."""
        return explained(_PLACE.sub(lambda place: f"{self._source.root / place.group(1)}:", complaint))

    async def _probe(self) -> None:
        try:
            answer = await self._exchange([encode(probe())], self._timeout_seconds)
        except PolicyUnavailable as error:
            raise PolicyUnavailable(f"{self._source.root}: asked for a first decision: {error}") from error
        if "error" in answer:
            raise ConfigError(f"policy cannot be used: {self._named(answer['error'])}")
        try:
            parse_decision(answer.get("result"), self._source.revision)
        except PolicyError as error:
            raise ConfigError(f"{self._source.root}: {error.message}") from error


def _encoded(document: dict[str, Any]) -> bytes | PolicyError:
    try:
        return encode(document, wide_integers=False)
    except PolicyError as error:
        return error
