"""One regorus child process with one policy source: asked through pipes, which it answers in their order."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

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


@dataclass(slots=True, eq=False)
class _Question:
    """What the child was asked; a caller that leaves cancels `answer`, and the child answers all the same."""

    answer: asyncio.Future[dict[str, Any]]
    late: asyncio.TimerHandle | None = None


class RegorusProcess:
    """A child that keeps its source until it ends. A question that takes too long ends it."""

    def __init__(self, source: PolicySource, timeout_seconds: float) -> None:
        self._source = source
        self._timeout_seconds = timeout_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._questions: deque[_Question] = deque()  # the child is at the first
        self._first_since = 0.0  # by the loop's clock
        self._reading: asyncio.Task[None] | None = None
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
            self._reading = asyncio.create_task(self._read())
            head = {"modules": list(self._source.modules), "refused": sorted(REFUSED)}
            texts = [text.encode() for text in self._source.modules.values()]
            policy = [json.dumps(head).encode(), *texts, self._source.data_json, self._source.tables.document]
            answer = await self._ask(policy, START_SECONDS)
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
            answer = await self._ask([encode(document, wide_integers=False)], self._timeout_seconds)
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
        questions = deque(self._put([body]) for body in bodies if isinstance(body, bytes))
        try:
            for body in bodies:
                if isinstance(body, PolicyError):
                    yield body
                    continue
                async with asyncio.timeout(self._timeout_seconds):
                    answer = await questions[0].answer
                questions.popleft()
                yield self._outcome(answer)
        except TimeoutError as error:
            raise _broken() from error
        finally:
            if questions and self._process:
                kill(self._process)  # its caller left, or it is late
            for question in questions:
                question.answer.cancel()  # no caller waits for it

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
        if self._reading:
            await self._reading
        if self._drain:
            await self._drain

    async def _ask(self, frames: Sequence[bytes], seconds: float) -> dict[str, Any]:
        """Return the answer to these frames. Raises PolicyUnavailable after `seconds`, waiting included."""
        question = self._put(frames)
        question.late = asyncio.get_running_loop().call_later(seconds, self._end_late, question, seconds)
        return await question.answer

    def _put(self, frames: Sequence[bytes]) -> _Question:
        """Write one question. Raises PolicyUnavailable when the child is gone."""
        assert self._process is not None
        assert self._process.stdin is not None
        if self._reading is None or self._reading.done():
            raise _broken()
        loop = asyncio.get_running_loop()
        if not self._questions:
            self._first_since = loop.time()
        question = _Question(loop.create_future())
        self._questions.append(question)
        self._process.stdin.write(b"".join(map(encode_message, frames)))
        return question

    async def _read(self) -> None:
        """Give each question its answer. When the child goes, or answers badly, all others fail."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while True:
                answer = orjson.loads(await receive_message(self._process.stdout, _MAX_ANSWER))
                if not isinstance(answer, dict):
                    break
                self._first_since = asyncio.get_running_loop().time()
                question = self._questions.popleft()
                if question.late:
                    question.late.cancel()
                if not question.answer.done():
                    question.answer.set_result(answer)
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError):
            pass  # the pipe is out of step, or at its end
        finally:
            kill(self._process)
            while self._questions:
                self._fail(self._questions.popleft(), _broken())

    def _end_late(self, question: _Question, seconds: float) -> None:
        """Give up on a question. A child that was at it, or at another one, for so long has hung."""
        self._fail(question, PolicyUnavailable(f"the policy engine did not answer within {seconds} s"))
        loop = asyncio.get_running_loop()
        if self._process and loop.time() - self._first_since >= seconds:
            kill(self._process)
        elif question in self._questions:
            question.late = loop.call_later(seconds, self._end_late, question, seconds)

    def _fail(self, question: _Question, error: PolicyUnavailable) -> None:
        if question.late:
            question.late.cancel()
        if not question.answer.done():
            question.answer.set_exception(error)

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
            answer = await self._ask([encode(probe())], self._timeout_seconds)
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


def _broken() -> PolicyUnavailable:
    return PolicyUnavailable("the embedded policy engine broke off or was late")
