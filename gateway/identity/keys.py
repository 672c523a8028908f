"""API keys: `rg_<id>_<secret>`, made once, kept only as a digest, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any

from gateway.errors import ConfigError, Unauthenticated
from gateway.identity.scopes import check_scope
from gateway.state import KeyRow, Keys, Role
from gateway.words import KeyScope

# Lower-case base32: a double click selects the whole key. 60 bits of id, 256 of secret.
_KEY = re.compile(r"rg_([a-z2-7]{12})_([a-z2-7]{52})")
_NO_DIGEST = bytes(32)
_UNLIMITED = KeyScope()


def create_key(
    keys: Keys,
    *,
    agent: str,
    owner: str,
    groups: Sequence[str] = ("default",),
    role: Role = "agent",
    delegate: bool = False,
    expires_seconds: float | None = None,
    scope: KeyScope = _UNLIMITED,
    now: float,
) -> tuple[KeyRow, str]:
    """Make and store a key; the second value is the key itself, which exists nowhere else.

    Raises ConfigError on a name that is empty, too long or holds control characters.
    """
    for what, name in (("agent", agent), ("owner", owner), *(("group", group) for group in groups)):
        if not (name and name == name.strip() and len(name) <= 200 and name.isprintable()):
            raise ConfigError(f"{what}: found {name!r}; expected 1 to 200 printable characters, trimmed")
    if scope != _UNLIMITED and role != "agent":
        raise ConfigError(f"scope: only an agent key has one; this one is for role {role}")
    if delegate and role != "agent":
        raise ConfigError(f"delegate: only an agent key may name an end user; this one is for role {role}")
    row, key = _made(
        agent=agent,
        owner=owner,
        groups=tuple(dict.fromkeys(groups)),
        role=role,
        delegate=delegate,
        created_at=now,
        expires_at=None if expires_seconds is None else now + expires_seconds,
        scope=check_scope(scope),
    )
    keys.create(row)
    return row, key


def replace_key(keys: Keys, key_id: str, now: float) -> tuple[KeyRow, str] | None:
    """Make and store a key like another one, which goes on; None when that one is not live.

    It lives as long from now on as the other was made to. Raises ConfigError when another key is in the place
    of that one already: two would go on, and one of them forgotten.
    """
    old = keys.find(key_id)
    if old is None or old.status(now) != "active":
        return None
    for each in keys.list():
        if each.replaces == key_id and each.status(now) == "active":
            raise ConfigError(f"key {key_id} was rotated already: {each.id} is in its place; revoke it first")
    life = None if old.lasts is None else now + old.lasts
    row, key = _made(
        agent=old.agent,
        owner=old.owner,
        groups=old.groups,
        role=old.role,
        delegate=old.delegate,
        created_at=now,
        expires_at=life,
        scope=old.scope,
        replaces=old.id,
    )
    keys.create(row)
    return row, key


def _made(**of: Any) -> tuple[KeyRow, str]:
    """Return a key that is not stored yet: its row, and the key itself."""
    key_id, secret = _base32(secrets.token_bytes(8))[:12], _base32(secrets.token_bytes(32))
    return KeyRow(id=key_id, digest=_digest(secret), **of), f"rg_{key_id}_{secret}"


def authenticate(keys: Keys, presented: str, now: float) -> KeyRow:
    """Return the live key that was presented, for processes without an event loop.

    Raises Unauthenticated, or StateUnavailable when the database cannot say.
    """
    key_id, secret = split_key(presented)
    return check_key(keys.find(key_id), secret, now)


def split_key(presented: str) -> tuple[str, str]:
    """Id and secret; a malformed key is refused here, before it costs a query."""
    match = _KEY.fullmatch(presented)
    if match is None:
        raise Unauthenticated("unknown key: expected one that `regate keys create` made")
    return match[1], match[2]


def key_id(presented: str) -> str:
    """Return the id that a key names, "" for a malformed key. It proves nothing."""
    match = _KEY.fullmatch(presented)
    return match[1] if match else ""


def check_key(row: KeyRow | None, secret: str, now: float) -> KeyRow:
    """Return `row` if the secret fits and the key is live. An unknown id takes as long as a wrong secret."""
    proven = hmac.compare_digest(_digest(secret), row.digest if row else _NO_DIGEST)
    if row is None or not proven:
        raise Unauthenticated("unknown key: expected one that `regate keys create` made")
    if (status := row.status(now)) != "active":
        raise Unauthenticated(f"this key is {status}")
    return row


def _digest(secret: str) -> bytes:
    """Hash once: the secret is 256 random bits, so there is nothing to guess from its digest."""
    return hashlib.sha256(secret.encode()).digest()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
