"""What stands behind the reference of a credential, as it is now; no log and no error shows it.

env:NAME        as the gateway was started with it
file:/path      read again each second
exec:COMMAND    asked again before its token ends; without an end, after five minutes
gcp:WHERE       asked again before its token ends
    vault:PATH#NAME read again after four minutes; the one that was read serves one more
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from gateway.errors import UpstreamUnavailable
from gateway.processes import run

_log = logging.getLogger("regate.upstream")
_LOOK_SECONDS = 1.0  # between two looks at a file
_LIFE_SECONDS = 300.0  # of what does not say when it ends
_AHEAD_SECONDS = 60.0  # before its end it is asked for anew, but not before four fifths of its life
_PATIENCE_SECONDS = 5.0  # after a failure nothing is asked
_COMMAND_SECONDS = 30.0
_LONGEST = 64 * 1024
_TOKENS = ("token", "access_token", "accessToken")
_ENDS = ("expirationTimestamp", "expires_at", "expires_on", "expiry")


class Credential(Protocol):
    """A secret by its reference, which is no secret."""

    @property
    def reference(self) -> str: ...

    @property
    def value(self) -> str | None:
        """What it is, as far as it is known without waiting."""

    @property
    def is_unset(self) -> bool:
        """Whether there is none, and waiting would bring none."""

    async def current(self) -> str:
        """Return what it is now. Raises UpstreamUnavailable when there is none."""


def credential_of(reference: str, vault: SecretStore | None = None) -> Credential:
    """Return the credential behind a reference that was checked."""
    kind, _, rest = reference.partition(":")
    if kind == "exec":
        return FetchedCredential(reference, Command(rest).fetch)
    if kind == "gcp":
        from gateway.upstream.google import GoogleToken  # here: it needs this module

        return FetchedCredential(reference, GoogleToken(rest).fetch)
    if kind == "vault":
        assert vault is not None  # the configuration was checked
        return FetchedCredential(reference, vault.reader(rest))
    return StoredCredential(reference)


class SecretStore(Protocol):
    """Reads what `vault:` references name."""

    def reader(self, reference: str) -> Callable[[float], Awaitable[Fetched]]: ...


class WatchedFile:
    """A file that others replace: its text is read again when a second has passed, or none was there."""

    def __init__(self, path: str | Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._now = now
        self._text: str | None = None
        self._read_at = 0.0

    def text(self) -> str | None:
        """Return what stands in it; None where it cannot be read, or is empty."""
        if self._text is None or self._now() - self._read_at >= _LOOK_SECONDS:
            self._read_at = self._now()
            try:
                self._text = Path(self.path).read_text("utf-8").strip() or None
            except (OSError, UnicodeDecodeError):
                self._text = None
        return self._text


class StoredCredential:
    """What stands in the environment or in a file."""

    def __init__(self, reference: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.reference = reference
        kind, _, self._name = reference.partition(":")
        self._file = WatchedFile(self._name, now=now) if kind == "file" else None

    @property
    def value(self) -> str | None:
        found = self._file.text() if self._file else os.environ.get(self._name)
        return found if found and fits_header(found) else None

    @property
    def is_unset(self) -> bool:
        return self.value is None

    async def current(self) -> str:
        value = self.value
        if value is None:
            raise UpstreamUnavailable("the provider's credential is not set")
        return value


@dataclass(frozen=True, slots=True)
class Fetched:
    """A secret that was asked for, and when it ends, in seconds since the epoch."""

    value: str = field(repr=False)
    ends_at: float
    asked_at: float


class FetchedCredential:
    """What is asked for elsewhere, and again before it ends. The one that still holds serves meanwhile."""

    def __init__(
        self,
        reference: str,
        fetch: Callable[[float], Awaitable[Fetched]],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Make one; `fetch` gets the time and raises OSError or ValueError, whose text holds no secret."""
        self.reference = reference
        self._fetch = fetch
        self._now = now
        self._held: Fetched | None = None
        self._failed_at = 0.0
        self._failure: Exception | None = None
        self._asking = asyncio.Lock()

    @property
    def value(self) -> str | None:
        return self._held.value if self._held and self._now() < self._held.ends_at else None

    @property
    def is_unset(self) -> bool:
        return False

    async def current(self) -> str:
        if self._is_due and not (self.value and self._asking.locked()):
            async with self._asking:
                if self._is_due:
                    await self._renew()
        value = self.value
        if value is None:
            raise UpstreamUnavailable("the provider's credential cannot be had") from self._failure
        return value

    @property
    def _is_due(self) -> bool:
        now, held = self._now(), self._held
        if now - self._failed_at < _PATIENCE_SECONDS:
            return False
        return held is None or now >= held.ends_at - min(_AHEAD_SECONDS, (held.ends_at - held.asked_at) / 5)

    async def _renew(self) -> None:
        try:
            fetched = await self._fetch(self._now())
            if not fits_header(fetched.value):
                raise ValueError("what came is no printable text of one line")
            if fetched.ends_at <= self._now():
                raise ValueError("what came has ended already; compare the clocks")
        except (OSError, ValueError) as error:
            self._failed_at, self._failure = self._now(), error
            _log.warning("credential %s cannot be had: %s", self.reference, error)
        else:
            self._held = fetched


class Command:
    """A command whose output is a token, or JSON with a token and its end.

    It sees HOME and PATH of the gateway's environment; `exec:env NAME=VALUE COMMAND` gives it more.
    """

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)

    async def fetch(self, now: float) -> Fetched:
        """Run it. Raises OSError, ValueError."""
        try:
            ended = await asyncio.to_thread(run, *self._words, seconds=_COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the command ran over {_COMMAND_SECONDS:.0f} seconds") from None
        if ended.returncode:
            raise ValueError(f"the command ended with code {ended.returncode}")
        if len(ended.stdout) > _LONGEST:
            raise ValueError(f"the command said over {_LONGEST} bytes")
        return read_token(ended.stdout, now)


def read_token(said: bytes, now: float) -> Fetched:
    """Return the token in what a command or a service says: text of one line, or JSON. Raises ValueError.

    JSON is that of a client-go credential plugin (`status.token`, `status.expirationTimestamp`), of OAuth
    (`access_token`, `expires_in`), of Azure's CLI (`accessToken`, `expires_on`), or `token` and `expires_at`.
    """
    text = said.decode().strip()
    if not text.startswith("{"):
        return Fetched(text, now + _LIFE_SECONDS, now)
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("it is not valid JSON") from None  # the message would hold the text
    if isinstance(told.get("status"), dict):
        told = told["status"]
    value = next((told[name] for name in _TOKENS if isinstance(told.get(name), str)), "")
    if not value:
        raise ValueError(f"it has none of {', '.join(_TOKENS)}")
    return Fetched(value, _end_of(told, now), now)


def _end_of(told: Mapping[str, Any], now: float) -> float:
    if isinstance(seconds := told.get("expires_in"), int | float):
        return now + seconds
    end = next((told[name] for name in _ENDS if told.get(name)), None)
    if end is None:
        return now + _LIFE_SECONDS
    if isinstance(end, int | float):
        return float(end)
    try:
        moment = datetime.fromisoformat(str(end))
    except ValueError:
        raise ValueError("its end is no moment of ISO 8601") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def fits_header(text: str) -> bool:
    """Return whether a text can stand in a header as it is."""
    return bool(text) and text.isascii() and text.isprintable()
