"""API keys as stored: who a key speaks for and until when; of the secret, only a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import msgspec
from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from gateway.state.database import State
from gateway.state.schema import keys
from gateway.words import KeyScope

Role = Literal["agent", "approver", "auditor", "admin", "opa"]  # an opa pulls policy and does nothing else


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key. `agent` is what it is called in decisions, `owner` the person who answers for it."""

    id: str
    digest: bytes = field(repr=False)
    agent: str
    owner: str
    groups: tuple[str, ...]
    role: Role
    delegate: bool
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    scope: KeyScope = field(default_factory=KeyScope)
    last_used_at: float | None = None
    replaces: str = ""  # the key that this one came for

    @property
    def lasts(self) -> float | None:
        """How long it was made to live, in seconds; None is for ever."""
        return None if self.expires_at is None else self.expires_at - self.created_at

    def status(self, now: float) -> Literal["active", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active"


class Keys:
    """The keys of one state file. Synchronous: async callers go through `state.reading`, `state.writing`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def create(self, row: KeyRow) -> None:
        with self.state.write() as connection:
            values = {**asdict(row), "scope": msgspec.to_builtins(row.scope)}
            connection.execute(insert(keys).values(**values))

    def find(self, key_id: str) -> KeyRow | None:
        with self.state.read() as connection:
            return find_key(connection, key_id)

    def list(self) -> tuple[KeyRow, ...]:
        """List all keys, oldest first, revoked ones too."""
        with self.state.read() as connection:
            query = select(keys).order_by(keys.c.created_at, keys.c.id)
            return tuple(_key(row) for row in connection.execute(query).mappings())

    def revoke(self, key_id: str, now: float) -> bool:
        """Revoke a key; return False when there is no such key or it is revoked already."""
        with self.state.write() as connection:
            change = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
            return connection.execute(change.values(revoked_at=now)).rowcount == 1

    def end_by(self, key_id: str, until: float) -> None:
        """Let a key end then, unless it ends before."""
        with self.state.write() as connection:
            ends_later = or_(keys.c.expires_at.is_(None), keys.c.expires_at > until)
            connection.execute(update(keys).where(keys.c.id == key_id, ends_later).values(expires_at=until))

    def note_use(self, used: Mapping[str, float]) -> None:
        """Note when keys were last used, by their ids."""
        with self.state.write() as connection:
            for key_id, at in used.items():
                connection.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=at))


def find_key(connection: Connection, key_id: str) -> KeyRow | None:
    """Find a key as the caller's transaction sees it."""
    row = connection.execute(select(keys).where(keys.c.id == key_id)).mappings().one_or_none()
    return None if row is None else _key(row)


def _key(row: RowMapping) -> KeyRow:
    return KeyRow(**{**row, "groups": tuple(row["groups"]), "scope": msgspec.convert(row["scope"], KeyScope)})
