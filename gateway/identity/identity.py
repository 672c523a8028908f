"""From request headers to an Agent: the only place where a caller becomes known."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from gateway.errors import InvalidRequest, StateUnavailable, Unauthenticated
from gateway.identity.headers import BLANKS
from gateway.identity.keys import check_key, split_key
from gateway.state import KeyRow, Keys, Role
from gateway.words import Agent

_CACHED_KEYS = 10_000
_FIND_SECONDS = 1.0
_SIGNED = "aws4-hmac-sha256"
_PEOPLE: tuple[Role, ...] = ("approver", "auditor", "admin")


class Identity:
    """Knows callers by their keys. A key row is trusted for half a second, so revocation acts within one."""

    def __init__(
        self, keys: Keys, *, now: Callable[[], float] = time.time, fresh_seconds: float = 0.5
    ) -> None:
        self._keys = keys
        self._now = now
        self._fresh_seconds = fresh_seconds
        self._cache: OrderedDict[str, tuple[float, KeyRow]] = OrderedDict()

    async def identify(
        self, authorization: str | None, x_api_key: str | None, on_behalf_of: str | None
    ) -> Agent:
        """Return the agent on the data path.

        Raises Unauthenticated, InvalidRequest on a malformed end user, StateUnavailable without the keys.
        """
        row = await self.identify_key(presented_key(authorization, x_api_key))
        if row.role != "agent":
            raise Unauthenticated(f"this key has role {row.role}; the data path takes agent keys only")
        return Agent(
            id=row.agent,
            owner=row.owner,
            method="api_key",
            groups=row.groups,
            claims={"role": row.role},
            on_behalf_of=_end_user(row, on_behalf_of),
            key_id=row.id,
        )

    async def confirm(self, agent: Agent) -> None:
        """Raise Unauthenticated when the agent's key has ended meanwhile, or StateUnavailable."""
        row = await self._find(agent.key_id)
        if row is None or row.status(self._now()) != "active":
            raise Unauthenticated("this key has ended since the request began")

    async def identify_person(self, presented: str) -> KeyRow:
        """Return the key of an approver, auditor or admin; refuse machine keys. Raises as `identify`."""
        row = await self.identify_key(presented)
        if row.role not in _PEOPLE:
            raise Unauthenticated(f"this key has role {row.role}; expected the key of a person")
        return row

    async def identify_key(self, presented: str) -> KeyRow:
        """Return a live key of any role. Raises Unauthenticated, StateUnavailable without the keys."""
        key_id, secret = split_key(presented)
        return check_key(await self._find(key_id), secret, self._now())

    async def _find(self, key_id: str) -> KeyRow | None:
        begun = time.monotonic()
        await self._keys.state.proven()
        cached = self._cache.get(key_id)
        if cached is not None and begun - cached[0] < self._fresh_seconds:
            return cached[1]
        self._cache.pop(key_id, None)
        try:
            async with asyncio.timeout(_FIND_SECONDS):
                row = await self._keys.state.reading(self._keys.find, key_id)
        except TimeoutError as error:
            raise StateUnavailable(f"state: no answer from the database in {_FIND_SECONDS:g} s") from error
        if row is not None:  # unknown ids are not kept: a new key works at once, and guesses take no memory
            self._cache[key_id] = (begun, row)
            if len(self._cache) > _CACHED_KEYS:
                self._cache.popitem(last=False)
        return row


def presented_key(authorization: str | None, x_api_key: str | None) -> str:
    """Return the key in `Authorization: Bearer …` (OpenAI) or the like of `x-api-key`; two must be equal.

    A signature of AWS names no caller here, and is dropped: such a client sends its key beside it.
    """
    scheme, _, bearer = (authorization or "").strip(BLANKS).partition(" ")
    if scheme.lower() == _SIGNED:
        bearer = ""
        if not x_api_key:
            raise Unauthenticated("a signature of AWS and no key: set AWS_BEARER_TOKEN_BEDROCK to the key")
    elif scheme and scheme.lower() != "bearer":
        raise Unauthenticated("authorization: expected the scheme Bearer")
    found = {key for key in (bearer.strip(BLANKS), (x_api_key or "").strip(BLANKS)) if key}
    if not found:
        raise Unauthenticated("no key: expected Authorization: Bearer or x-api-key")
    if len(found) > 1:
        raise Unauthenticated("two different keys in Authorization and elsewhere: expected one")
    return found.pop()


def _end_user(row: KeyRow, on_behalf_of: str | None) -> str:
    """Return the end user whom the agent names; refuse a key that may not name one."""
    named = (on_behalf_of or "").strip(BLANKS)
    if not named:
        return ""
    if not row.delegate:
        raise Unauthenticated("this key may not name an end user; expected one made with --delegate")
    with suppress(UnicodeError):  # HTTP servers read headers as Latin-1; names are sent as UTF-8
        named = named.encode("latin-1").decode("utf-8")
    named = unicodedata.normalize("NFC", named)  # one person, one spelling
    if len(named) > 256 or not named.isprintable():
        raise InvalidRequest("x-regate-on-behalf-of: expected at most 256 printable characters")
    return named
