"""Keys as they are made, replaced and revoked, over HTTP or at the command line; each act is on record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypedDict

import msgspec

from gateway.approvals import ApprovalBook, Recorder, rfc3339
from gateway.errors import RecordingFailed, RegateError, StateUnavailable
from gateway.identity import create_key, replace_key
from gateway.oversight.acts import Act, Actor, Acts
from gateway.state import EndedVisits, KeyRow, Keys, Role
from gateway.words import KeyScope

_LONGEST_SECONDS = 10 * 365 * 86_400


class UnknownKey(RegateError):
    """There is no such key, or it is revoked already."""


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for. `expires_seconds` counts from now; without it the key lives until it is revoked."""

    agent: str
    owner: str
    groups: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=50)] = ("default",)
    role: Role = "agent"
    delegate: bool = False
    expires_seconds: Annotated[int, msgspec.Meta(gt=0, le=_LONGEST_SECONDS)] | None = None
    scope: KeyScope = KeyScope()


class KeyDocument(TypedDict):
    """All about a key but the key itself, as JSON."""

    id: str
    agent: str
    owner: str
    groups: Sequence[str]
    role: Role
    delegate: bool
    status: str
    created_at: str
    expires_at: str
    revoked_at: str
    prefix: str
    scope: dict[str, Any]
    last_used_at: str
    replaces: str


class MadeKey(KeyDocument):
    """A key when it is made, shown this once."""

    key: str


class RevokedKey(KeyDocument):
    """A key that is revoked, and how many of its approvals were canceled with it."""

    cancelled_approvals: int


class Keyring:
    """Makes, lists, replaces and revokes keys; `acts` records what is done."""

    def __init__(
        self, keys: Keys, approvals: ApprovalBook, journal: Recorder, *, now: Callable[[], float] = time.time
    ) -> None:
        self.acts = Acts(journal)
        self._keys = keys
        self._visits = EndedVisits(keys.state)
        self._approvals = approvals
        self._now = now

    async def list(self) -> list[KeyDocument]:
        """List all keys, revoked ones too; never the keys themselves."""
        rows = await self._keys.state.reading(self._keys.list)
        return [key_document(row, self._now()) for row in rows]

    async def live(self, key_id: str, visit_id: str) -> KeyRow | None:
        """Return the key of a visit, unless the key is revoked or expired or the visit was ended.

        Raises StateUnavailable.
        """
        await self._keys.state.proven()
        row, ended = await self._keys.state.reading(self._found, key_id, visit_id)
        return row if row is not None and not ended and row.status(self._now()) == "active" else None

    async def end_visit(self, visit_id: str, until: float) -> bool:
        """End a visit in every worker, for as long as its cookie lives. Raises StateUnavailable.

        Returns False when it was ended before.
        """
        return await self._keys.state.writing(self._visits.end, visit_id, until, self._now())

    async def create(self, by: Actor | KeyRow, wanted: NewKey) -> MadeKey:
        """Make a key, shown this once. It is on record before the caller has it.

        Raises ConfigError on a name that will not do, StateUnavailable, RecordingFailed.
        """
        row, key = await self._keys.state.writing(self._make, wanted)
        await self._hand_out("key_created", row, by)
        return {**key_document(row, self._now()), "key": key}

    async def rotate(self, by: Actor | KeyRow, key_id: str, overlap_seconds: float) -> MadeKey:
        """Make a key in the place of another, which ends after the overlap. It is shown this once.

        Raises UnknownKey when that one is not live, ConfigError when it was rotated before, StateUnavailable,
        RecordingFailed.
        """
        made = await self._keys.state.writing(replace_key, self._keys, key_id, self._now())
        if made is None:
            raise UnknownKey("there is no such key, or it has ended already")
        row, key = made
        await self._hand_out("key_replaced", row, by)
        await self._keys.state.writing(self._keys.end_by, key_id, self._now() + overlap_seconds)
        return {**key_document(row, self._now()), "key": key}

    async def revoke(self, by: Actor | KeyRow, key_id: str) -> RevokedKey:
        """Revoke a key, then cancel what it asked for.

        Raises UnknownKey, StateUnavailable, RecordingFailed.
        """
        # first of all, and whether or not the journal works: a stolen key must stop
        if not await self._keys.state.writing(self._keys.revoke, key_id, self._now()):
            raise UnknownKey("there is no such key, or it is revoked already")
        row = await self._keys.state.reading(self._keys.find, key_id)
        if row is None:
            raise StateUnavailable("state: the key has vanished")
        try:
            await self._record("key_revoked", row, by)
            canceled = await self._approvals.cancel_open(key_id)
        except RecordingFailed as error:
            raise RecordingFailed(f"the key is revoked, but that is not recorded: {error.message}") from error
        return {**key_document(row, self._now()), "cancelled_approvals": canceled}

    def _found(self, key_id: str, visit_id: str) -> tuple[KeyRow | None, bool]:
        return self._keys.find(key_id), self._visits.has(visit_id)

    def _make(self, wanted: NewKey) -> tuple[KeyRow, str]:
        return create_key(self._keys, **msgspec.structs.asdict(wanted), now=self._now())

    async def _hand_out(self, act: Act, row: KeyRow, by: Actor | KeyRow) -> None:
        """Record a key that was made; one that cannot be recorded is revoked again."""
        try:
            await self._record(act, row, by)
        except RecordingFailed:
            with suppress(StateUnavailable):  # no caller has seen it: left alive, it is a row and no more
                await self._keys.state.writing(self._keys.revoke, row.id, self._now())
            raise

    async def _record(self, act: Act, row: KeyRow, by: Actor | KeyRow) -> None:
        await self.acts.note(by, act, **key_document(row, self._now()))


def key_document(row: KeyRow, now: float) -> KeyDocument:
    """Return all about a key but the key itself; times as RFC 3339, "" for what has not happened."""
    return {
        "id": row.id,
        "agent": row.agent,
        "owner": row.owner,
        "groups": list(row.groups),
        "role": row.role,
        "delegate": row.delegate,
        "status": row.status(now),
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "revoked_at": rfc3339(row.revoked_at),
        "prefix": f"rg_{row.id}_",
        "scope": msgspec.to_builtins(row.scope),
        "last_used_at": rfc3339(row.last_used_at),
        "replaces": row.replaces,
    }
