"""The approvals as the gateway uses them: async, recorded, and at one with other workers and the CLI."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from gateway.approvals import transitions
from gateway.approvals.binding import Binding
from gateway.approvals.book import ApprovalBook, Recorder
from gateway.approvals.completions import decrypt, decrypt_shown
from gateway.approvals.contents import Contents, decode
from gateway.approvals.documents import to_document, with_contents
from gateway.approvals.waiting import Waiting
from gateway.config import ServerKey
from gateway.contract import ApprovalTerms
from gateway.errors import RecordingFailed, StateUnavailable
from gateway.state import Approval, ApprovalRows, ApprovalStore, Status

POLL_SECONDS = 0.2
SWEEP_SECONDS = 2.0


class Approvals(ApprovalBook):
    """Holds, waits, decides, spends. Methods raise StateUnavailable and RecordingFailed: neither is a yes."""

    def __init__(
        self,
        store: ApprovalStore,
        journal: Recorder,
        key: ServerKey,
        *,
        max_waiting: int = 1000,
        poll_seconds: float = POLL_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        super().__init__(store, journal)
        self._key = key
        self._sweep_seconds = sweep_seconds
        self._waiting = Waiting(self._statuses, poll_seconds=poll_seconds, places=max_waiting)
        self._now = time.monotonic
        self._holders: frozenset[str] = frozenset()
        self._holders_read_at = -math.inf
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to record expiries, and to wipe the contents of what expired, also without any request."""
        self._sweeper = asyncio.create_task(self._sweep(), name="approvals sweeper")

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        await self._waiting.close()

    async def hold(
        self,
        binding: Binding,
        terms: ApprovalTerms,
        *,
        revision: str,
        exchange_id: str,
        session_id: str,
        reasons: Sequence[Mapping[str, object]],
        contents: Contents,
        completion: bytes | None = None,
    ) -> Approval:
        """Return the approval for this exchange: approved and not used, pending and joined, or new.

        `contents` is what people read, masked. `completion`, in the response phase, is kept until it may be
        handed over. Raises PolicyDenied when the agent or its owner has too much waiting or when there is
        more than people can be shown, ApprovalRequired when people look at another completion of the same
        request: their yes is for that one, which a retry gets.
        """
        if completion is not None:
            self._holders_read_at = -math.inf
        ask = transitions.Ask(
            binding, terms, revision, exchange_id, session_id, reasons, contents, completion
        )
        return await self.writing(lambda rows, record: transitions.hold(rows, record, self._key, ask))

    async def wait(self, approval_id: str, seconds: float) -> Approval:
        """Return the approval once it is no longer pending, or as it stands after `seconds`.

        It is returned at once when its agent or its owner has a share of the places to wait taken.
        """
        approval = await self.reading(transitions.present, approval_id)
        await self._waiting.until_settled(approval_id, seconds, (approval.agent, approval.owner))
        return await self.reading(transitions.present, approval_id)

    async def use(self, approval_id: str, exchange_id: str = "") -> bool:
        """Spend a yes: True for exactly one caller, in all processes. Without it nothing may go on."""
        return await self.writing(
            lambda rows, record: transitions.use(rows, record, approval_id, exchange_id)
        )

    async def give_back(self, approval_id: str) -> bool:
        """Let a yes be spent again, three times at most: the provider failed before it answered."""
        return await self.writing(lambda rows, record: transitions.give_back(rows, record, approval_id))

    async def may_hold_completion(self, agent_id: str) -> bool:
        """Return whether any completion of this agent is held, as of the last fifth of a second.

        It spares other requests the search for one. People take longer than that to agree.
        """
        if (now := self._now()) - self._holders_read_at >= POLL_SECONDS:
            self._holders = await self.reading(lambda rows: rows.agents_with_completions())
            self._holders_read_at = now
        return agent_id in self._holders

    async def held_completion(self, binding: Binding) -> tuple[Approval, bytes] | None:
        """Return the completion that people approved for this binding. `use` it before it is handed over."""
        return await self.reading(self._held, binding.fingerprint(self._key))

    async def find(self, binding: Binding) -> Approval | None:
        """Find the open approval of this binding, approved before pending."""
        fingerprint = binding.fingerprint(self._key)
        return await self.reading(
            lambda rows: rows.find(fingerprint, "approved") or rows.find(fingerprint, "pending")
        )

    async def contents(self, approval_id: str) -> Contents | None:
        """Return what people read before they decide; None once the approval has ended."""
        encrypted = await self.reading(lambda rows: rows.shown(approval_id))
        if encrypted is None:
            return None
        return await asyncio.to_thread(lambda: decode(decrypt_shown(self._key, approval_id, encrypted)))

    async def describe(self, approval: Approval, page: int = 0) -> dict[str, Any]:
        """Return an approval as JSON, with what people read before they decide. Raises NoSuchPage."""
        contents = await self.contents(approval.id)
        return await asyncio.to_thread(with_contents, to_document(approval), contents, page)

    async def _statuses(self, ids: Sequence[str]) -> Mapping[str, Status]:
        return await self.reading(lambda rows: rows.statuses(ids))

    def _held(self, rows: ApprovalRows, fingerprint: str) -> tuple[Approval, bytes] | None:
        approval = rows.find(fingerprint, "approved")
        encrypted = None if approval is None else rows.completion(approval.id)
        if approval is None or encrypted is None:
            return None
        return approval, decrypt(self._key, approval.id, encrypted, approval.completion_digest)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            try:
                if await self.reading(lambda rows: rows.overdue(1)):
                    await self.writing(transitions.expire_overdue)
            except (StateUnavailable, RecordingFailed) as error:
                # nothing passes meanwhile: an overdue approval reads as expired
                logging.getLogger(__name__).warning("expired approvals not written down: %s", error)
