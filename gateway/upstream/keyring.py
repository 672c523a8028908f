"""The credentials of one deployment: which comes first for a session, which rest, which are refused."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.upstream.credentials import Credential

_REST_SECONDS, _LONGEST_REST = 5.0, 60.0
_REFUSED_SECONDS = 60.0  # a credential that was refused stands behind the others so long
_T = TypeVar("_T")


@dataclass(slots=True)
class Key:
    """One credential, and how its provider takes it."""

    credential: Credential
    weight: int = 1
    is_refused: bool = False
    rests_until: float = field(default=0.0)


class CredentialRing:
    """The credentials by which requests go up."""

    def __init__(self, keys: Sequence[Key], *, now: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._now = now

    @property
    def secret(self) -> str | None:
        """What no answer may repeat as long as nothing went up."""
        return next((value for key in self._keys if (value := key.credential.value)), None)

    @property
    def unset(self) -> str:
        """The reference of the first credential, where none is set."""
        missing = self.all_unset
        return missing[0] if missing and len(missing) == len(self._keys) else ""

    @property
    def all_unset(self) -> list[str]:
        """The references of the credentials that are not set."""
        return [key.credential.reference for key in self._keys if key.credential.is_unset]

    def order(self, session: str) -> list[Key | None]:
        """Return the credentials to be tried for a session, in order; [None] where it takes none."""
        if not self._keys:
            return [None]
        now = self._now()
        found = [key for key in self._keys if not key.credential.is_unset]
        ready = ((key.credential.reference, key.weight, key) for key in found if key.rests_until <= now)
        resting = sorted((key for key in found if key.rests_until > now), key=lambda key: key.rests_until)
        return [*by_share(session, ready), *resting]

    def rest(self, key: Key, headers: Mapping[str, str]) -> None:
        """Let a credential rest that its provider will not take for a while (429)."""
        said = headers.get("retry-after", "")
        seconds = float(said) if said.isdigit() else _REST_SECONDS
        key.rests_until = self._now() + min(seconds, _LONGEST_REST)

    def refuse(self, key: Key) -> None:
        """Let a credential stand behind the others that its provider does not know (401)."""
        key.is_refused, key.rests_until = True, self._now() + _REFUSED_SECONDS


def by_share(session: str, weighted: Iterable[tuple[str, int, _T]]) -> list[_T]:
    """Return what has a name and a weight in the order of a session (weighted rendezvous hashing).

    Of all sessions each comes first by its share, and where one leaves, the others' sessions stay.
    """

    def height(name: str, weight: int) -> float:
        digest = hashlib.blake2b(f"{name}\0{session}".encode(), digest_size=8).digest()
        share = (int.from_bytes(digest) + 1) / (2**64 + 1)
        return -weight / math.log(share)

    ranked = list(weighted)
    if len(ranked) > 1:
        ranked.sort(key=lambda one: height(one[0], one[1]), reverse=True)
    return [each for _, _, each in ranked]
