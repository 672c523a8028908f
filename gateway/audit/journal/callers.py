"""Records on their way into the journal, and the callers that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from gateway.audit.files.record import Draft
from gateway.errors import RecordingFailed


@dataclass(slots=True)
class QueuedRecord:
    """A record in the queue; `done` is there when its caller waits."""

    draft: Draft
    done: Future[None] | asyncio.Future[None] | None


def settle(batch: Iterable[QueuedRecord], failure: str) -> None:
    """Release or refuse the callers that wait for the batch: one call into each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for done in (entry.done for entry in batch):
        if isinstance(done, asyncio.Future):
            loops.setdefault(done.get_loop(), []).append(done)
        elif done is not None:
            _resolve([done], failure)
    for loop, waiting in loops.items():
        with suppress(RuntimeError):  # no caller waits in a closed loop
            loop.call_soon_threadsafe(_resolve, waiting, failure)


def _resolve(waiting: Sequence[Future[None] | asyncio.Future[None]], failure: str) -> None:
    for done in waiting:
        if done.done():
            continue  # a caller that left does not take the record back
        if failure:
            done.set_exception(RecordingFailed(failure))
        else:
            done.set_result(None)
