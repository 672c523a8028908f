"""One inspecting process: asked through pipes, one list of texts at a time, ended when it is late."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.config import Detect
from gateway.detect.service.worker import Found, Reads, WorkerStart, encoded
from gateway.errors import InspectionFailed
from gateway.processes import encode_message, kill, receive_message, spawn, stop
from gateway.words import Match

_START_SECONDS = 60.0
_MAX_ANSWER = 256 * 1024 * 1024  # bytes
_LARGE = 64 * 1024  # bytes: an answer over this is decoded off the event loop


class DetectorProcess:
    """A child with a Detector. Whatever goes wrong with it ends it: the pipe is out of step then."""

    def __init__(self, settings: Detect, seconds: float, reads: Reads = "values") -> None:
        self._start = WorkerStart(settings, seconds, reads)
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[bytes] | None = None
        self._broken = False  # its pipe is out of step, whether or not it is gone already
        self._answers: msgspec.msgpack.Decoder[Found] = msgspec.msgpack.Decoder(Found)

    @property
    def pid(self) -> int:
        """Of the running child, -1 when there is none."""
        return self._process.pid if self._process else -1

    @property
    def is_up(self) -> bool:
        """Whether it can be asked."""
        return self._process is not None and self._process.returncode is None and not self._broken

    async def start(self) -> None:
        """Start the child and wait until it can be asked. Raises InspectionFailed; nothing is left then."""
        try:
            self._process = await spawn(Path(sys.executable), "-P", "-m", "gateway.detect.service.worker")
            assert self._process.stderr is not None
            # read so that it never blocks, and thrown away: a traceback may hold a value
            self._drain = asyncio.create_task(self._process.stderr.read())
            async with asyncio.timeout(_START_SECONDS):
                await self._exchange(msgspec.msgpack.encode(self._start))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            await self.stop()
            raise InspectionFailed("an inspecting process does not start") from error
        except BaseException:
            await self.stop()
            raise

    async def inspect(self, texts: Sequence[tuple[str, str]], seconds: float) -> list[tuple[Match, ...]]:
        """Return the matches of each text (JSON key, text). Raises InspectionFailed; ends a late child."""
        assert self._process is not None, "asked before start"
        try:
            async with asyncio.timeout(seconds):
                found = await self._asked([(encoded(key), encoded(text)) for key, text in texts])
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            self._end()
            raise InspectionFailed("the text could not be inspected in time") from error
        except BaseException:
            self._end()
            raise
        if found is None or len(found) != len(texts):
            raise InspectionFailed("the text could not be inspected")
        return found

    async def stop(self) -> None:
        """End the process, for sure."""
        self._end()
        if self._process:
            await stop(self._process)
        if self._drain:
            await self._drain

    def _end(self) -> None:
        self._broken = True
        if self._process:
            kill(self._process)

    async def _asked(self, texts: list[tuple[bytes, bytes]]) -> Found:
        answer = await self._exchange(msgspec.msgpack.encode(texts))
        if len(answer) > _LARGE:
            return await asyncio.to_thread(self._answers.decode, answer)
        return self._answers.decode(answer)

    async def _exchange(self, body: bytes) -> bytes:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(encode_message(body))
        await self._process.stdin.drain()
        return await receive_message(self._process.stdout, _MAX_ANSWER)
