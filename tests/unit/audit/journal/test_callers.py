"""Callers that wait for their records."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from gateway.audit.files.record import Draft
from gateway.audit.journal.callers import QueuedRecord, settle
from gateway.errors import RecordingFailed

_DRAFT = Draft(b"", b"", b"", b"{}")


async def test_every_kind_of_caller_is_released() -> None:
    """One in a thread, one on the loop, and one that does not wait."""
    thread: Future[None] = Future()
    task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    settle([QueuedRecord(_DRAFT, thread), QueuedRecord(_DRAFT, task), QueuedRecord(_DRAFT, None)], "")
    await task
    assert thread.done()


async def test_a_failure_refuses_and_a_caller_that_left_is_passed_over() -> None:
    """The reason is the message."""
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left.cancel()
    task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    settle([QueuedRecord(_DRAFT, left), QueuedRecord(_DRAFT, task)], "the disk is full")
    with pytest.raises(RecordingFailed, match="the disk is full"):
        await task


def test_a_loop_that_is_closed_stops_nothing() -> None:
    """The caller is gone with its loop."""
    loop = asyncio.new_event_loop()
    task = loop.create_future()
    loop.close()
    settle([QueuedRecord(_DRAFT, task)], "")
    assert not task.done()
