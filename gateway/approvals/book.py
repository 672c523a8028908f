"""Approvals as people see and decide them: the service of the command line, the API and the console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.approvals import transitions
from gateway.approvals.deciding import decide
from gateway.approvals.records import RecordNow
from gateway.audit.files import Record
from gateway.errors import RecordingFailed
from gateway.state import Approval, ApprovalRows, ApprovalStore, KeyRow, Status, Verdict

T = TypeVar("T")

_RECORD_SECONDS = 5.0


class Recorder(Protocol):
    """The journal, as far as approvals need it."""

    async def record(self, record: Record, /) -> None:
        """Return once the record is durable; raise RecordingFailed otherwise."""


class ApprovalBook:
    """Lists, reads, decides and cancels approvals. Methods raise StateUnavailable and RecordingFailed.

    It needs no server key: a stolen API key can be revoked, and what it asked for canceled, without one.
    """

    def __init__(self, store: ApprovalStore, journal: Recorder) -> None:
        self._store = store
        self._journal = journal

    async def read(self, approval_id: str) -> Approval | None:
        return await self.reading(lambda rows: rows.read(approval_id))

    async def list(
        self, *, status: Status | None = None, agent: str | None = None, limit: int = 1000
    ) -> tuple[Approval, ...]:
        """List the newest `limit` approvals, oldest first."""
        return await self.reading(lambda rows: rows.matching(status=status, agent=agent, limit=limit))

    async def decide(self, approval_id: str, approver: KeyRow, verdict: Verdict, note: str) -> Approval:
        """Count one person's verdict. Raises VerdictRefused when it does not count."""
        return await self.writing(
            lambda rows, record: decide(rows, record, approval_id, approver, verdict, note)
        )

    async def cancel_open(self, key_id: str) -> int:
        """Cancel what a revoked key asked for and has not used; return how many that were."""
        return await self.writing(lambda rows, record: transitions.cancel_open(rows, record, key_id))

    async def reading(self, work: Callable[..., T], *arguments: object) -> T:
        """Run work on the approvals in a reading thread."""

        def reading() -> T:
            with self._store.read() as rows:
                return work(rows, *arguments)

        return await self._store.state.reading(reading)

    async def writing(self, work: Callable[[ApprovalRows, RecordNow], T]) -> T:
        """Run one transaction in the writer thread; its records are written by the journal on this loop."""
        loop = asyncio.get_running_loop()

        def record(made: Record) -> None:
            written = asyncio.run_coroutine_threadsafe(self._journal.record(made), loop)
            try:
                written.result(_RECORD_SECONDS)
            except TimeoutError as error:
                written.cancel()
                raise RecordingFailed(f"no record of the approval in {_RECORD_SECONDS:g} s") from error

        def writing() -> T:
            with self._store.write() as rows:
                return work(rows, record)

        return await self._store.state.writing(writing)
