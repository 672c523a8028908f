"""The way of a request to its provider: attempt after attempt, as long as nothing can have been served.

deployment A, key 1   429                      → key 1 rests; key 2 at A
deployment A, key 2   no connection            → A has failed once; B
deployment B, key 1   200                      → the answer
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from gateway.errors import Refusal, UpstreamUnavailable
from gateway.upstream.client import Attempt, HttpTransport, UpstreamRequest, UpstreamResponse
from gateway.upstream.faults import NotConnected, NotSent
from gateway.upstream.keyring import CredentialRing, Key, by_share

_log = logging.getLogger("regate.upstream")
_MOST_ATTEMPTS = 6
_FAILURES, _FIRST_REST, _LONGEST_REST = 5, 2.0, 60.0
_UNKNOWN_KEY, _TOO_MANY = 401, 429
# AWS answers 403 to many things; these are about who asks.
_AWS_REFUSALS = frozenset(
    ("ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException")
)
_NOT_SERVED = (503, 529)  # by what it says, it did not even begin
SERVED_NOTHING = (_UNKNOWN_KEY, _TOO_MANY, *_NOT_SERVED)
"""The statuses after which a request may go to another provider."""


class Telling(Protocol):
    """Counts what operators should know."""

    def attempted(self, provider: str, deployment: str, ended: str) -> None: ...

    def refused(self, provider: str, credential: str, *, refused: bool) -> None: ...


class Untold:
    """Where nothing is counted."""

    def attempted(self, provider: str, deployment: str, ended: str) -> None:
        pass

    def refused(self, provider: str, credential: str, *, refused: bool) -> None:
        pass


@dataclass(slots=True)
class Health:
    """Whether a deployment can be connected to. After five failures it waits for a probe."""

    now: Callable[[], float] = time.monotonic
    failures: int = 0
    rests_until: float = 0.0
    _probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it stands back; one request is let through when its rest is over."""
        if self.failures < _FAILURES:
            return False
        return self._probing or self.now() < self.rests_until

    def begin(self) -> None:
        self._probing = self.failures >= _FAILURES

    def well(self) -> None:
        self.failures, self._probing = 0, False

    def failed(self) -> None:
        self.failures, self._probing = self.failures + 1, False
        rest = _FIRST_REST * 2 ** min(max(self.failures - _FAILURES, 0), 10)
        self.rests_until = self.now() + min(rest, _LONGEST_REST)

    def ended(self) -> None:
        """Forget a probe that told nothing: its caller left."""
        self._probing = False


@dataclass(slots=True)
class LiveDeployment:
    """A deployment: its name in records, how it is called, with what, and how it does."""

    base_url: str
    weight: int
    transport: HttpTransport
    keyring: CredentialRing
    signing: Key | None = None  # what requests are signed with; it goes up with none of them
    health: Health = field(default_factory=Health)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        self.name = f"{parts.netloc}{parts.path.rstrip('/')}"


class Routes:
    """A provider at its deployments."""

    def __init__(
        self,
        provider: str,
        places: Sequence[LiveDeployment],
        header: Callable[[str], Mapping[str, str]],
        telling: Telling,
    ) -> None:
        """Make them; `header` gives the header that carries a credential."""
        self.places = places
        self.header = header
        self._provider = provider
        self._telling = telling

    @property
    def secret(self) -> str | None:
        """What no answer may repeat as long as nothing went up."""
        return next((secret for place in self.places if (secret := place.keyring.secret)), None)

    @property
    def unset(self) -> str:
        """The reference of a credential, where no deployment has one that is set."""
        missing = [place.keyring.unset for place in self.places]
        return missing[0] if all(missing) else ""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Return the first answer that stands. Raises the refusal of the last attempt."""
        fault: Refusal = NotSent("no credential of the provider is set")
        ahead = list(self._order(request.session))[:_MOST_ATTEMPTS]
        while ahead:
            place, key = ahead.pop(0)
            try:
                response = await self._attempt(request, place, key)
            except NotConnected as error:
                fault, ahead = error, [one for one in ahead if one[0] is not place]
                continue
            except _Unreadable as error:
                fault = error
                continue
            others = _others(response.status, place, ahead)
            if not others:
                return response
            ahead = others
            await response.close()
        raise fault

    def _order(self, session: str) -> Iterator[tuple[LiveDeployment, Key | None]]:
        """Yield what may be tried for a session: deployments that stand back come last."""
        standing = [place for place in self.places if not place.health.is_open]
        back = sorted(
            (p for p in self.places if p.health.is_open), key=lambda place: place.health.rests_until
        )
        ranked = by_share(session, ((place.base_url, place.weight, place) for place in standing))
        for place in (*ranked, *back):
            for key in place.keyring.order(session):
                yield place, key

    async def _attempt(
        self, request: UpstreamRequest, place: LiveDeployment, key: Key | None
    ) -> UpstreamResponse:
        began, status, fault = time.perf_counter(), 0, "broken off"
        place.health.begin()
        try:
            credential = await _current(key)
            request.trail.secret = credential or request.trail.secret
            response = await place.transport.send(request, self.header(credential) if credential else {})
            status, fault = response.status, ""
        except NotConnected as error:
            fault = error.message
            self._failed(place, error)
            raise
        except Refusal as error:
            fault = error.message
            raise
        finally:
            place.health.ended()
            ms = round((time.perf_counter() - began) * 1000, 1)
            named = key.credential.reference if key else ""
            request.trail.attempts.append(Attempt(self._provider, place.name, named, status, fault, ms))
            self._telling.attempted(self._provider, place.name, str(status) if status else "failed")
        self._answered(place, key, response)
        return response

    def _failed(self, place: LiveDeployment, error: NotConnected) -> None:
        place.health.failed()
        if place.health.failures in (1, _FAILURES):
            row = place.health.failures
            _log.warning("provider %s at %s, failure %d: %s", self._provider, place.name, row, error.why)

    def _answered(self, place: LiveDeployment, key: Key | None, response: UpstreamResponse) -> None:
        if place.health.failures:
            _log.info("provider %s at %s answers again", self._provider, place.name)
        place.health.well()
        key = key or place.signing
        if key is None:
            return
        refused = response.status == _UNKNOWN_KEY or _aws_error(response) in _AWS_REFUSALS
        if refused != key.is_refused:
            said = "refuses" if refused else "takes again"
            _log.warning("provider %s %s its credential %s", self._provider, said, key.credential.reference)
            self._telling.refused(self._provider, key.credential.reference, refused=refused)
        if refused:
            place.keyring.refuse(key)
        elif response.status == _TOO_MANY:
            place.keyring.rest(key, response.headers)
        else:
            key.is_refused = False


def _aws_error(response: UpstreamResponse) -> str:
    return response.headers.get("x-amzn-errortype", "").partition(":")[0]


class _Unreadable(NotSent):
    """A credential that cannot be had: nothing was sent."""


async def _current(key: Key | None) -> str | None:
    try:
        return await key.credential.current() if key else None
    except UpstreamUnavailable as error:
        raise _Unreadable(error.message) from error


def _others(
    status: int, place: LiveDeployment, ahead: Sequence[tuple[LiveDeployment, Key | None]]
) -> list[tuple[LiveDeployment, Key | None]]:
    """Return what may be tried after an answer: nothing, unless it says that it did not serve."""
    if status in (_UNKNOWN_KEY, _TOO_MANY):
        return [*ahead]
    return [one for one in ahead if one[0] is not place] if status in _NOT_SERVED else []
