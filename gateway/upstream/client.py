"""One request to a provider over a pooled connection, with every way it fails translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import orjson
from yarl import URL

from gateway.errors import RegateError, UpstreamTimeout, UpstreamUnavailable, UpstreamUnreadable
from gateway.upstream.connection import ConnectionSettings
from gateway.upstream.connector import BoundedConnector
from gateway.upstream.faults import NotConnected, explain
from gateway.upstream.sigv4 import Signature

_CHUNK = 65536
_STATUSES = range(200, 600)  # of answers that end an exchange (RFC 9110, 15); no other can be passed on


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: where, with which credential (its reference), and how it ended."""

    provider: str
    deployment: str
    credential: str
    status: int
    fault: str
    ms: float


@dataclass(slots=True)
class Trail:
    """How a request went up: each attempt, and the secret that went with the last one."""

    attempts: list[Attempt] = field(default_factory=list)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What goes up: `path` starts with `/` and is percent-encoded, `query` has no `?`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    session: str = ""  # requests of one session go to one deployment
    trail: Trail = field(default_factory=Trail)


class UpstreamResponse(Protocol):
    """What comes down: header names in lower case, the body as it arrives."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises UpstreamUnavailable or UpstreamTimeout when it breaks off."""

    async def close(self) -> None:
        """Give up on whatever has not been read; the connection is not reused then."""


class Transport(Protocol):
    """Something that answers like a provider."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send the request and wait for the status line and headers."""


class HttpTransport:
    """A provider at one address. Redirects are not followed and nothing is retried."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        credential: Mapping[str, str],
        signature: Signature | None = None,
        connection: ConnectionSettings | None = None,
    ) -> None:
        self._session = session
        self._connection = connection or ConnectionSettings()
        self._timeout = self._connection.timeout or session.timeout
        self._read_seconds = self._timeout.sock_read
        self._base_url = base_url.rstrip("/")
        self._credential = credential
        self._signature = signature

    async def send(
        self, request: UpstreamRequest, credential: Mapping[str, str] | None = None
    ) -> UpstreamResponse:
        """Send the request, with this credential in place of its own.

        Raises NotConnected when nothing was sent, UpstreamUnavailable, UpstreamTimeout, UpstreamUnreadable.
        """
        # a signature knows a space as %20 alone, and nothing else goes up as a plus sign
        said = request.query.replace("+", "%20") if self._signature else request.query
        query = f"?{said}" if said else ""
        url = URL(f"{self._base_url}{request.path}{query}", encoded=True)
        held = self._credential if credential is None else credential
        trust, proxy = self._connection.trust(), self._connection.proxy(url)
        try:
            # over all of it: interim answers (1xx) without end keep the socket from being silent
            async with asyncio.timeout(self._read_seconds):
                response = await self._session.request(
                    request.method,
                    url,
                    # identity: a masked stream is re-framed, so a compressed one would only be undone here
                    headers={
                        **request.headers,
                        **self._connection.headers,
                        "accept-encoding": "identity",
                        **self._authorization(request, url, held),
                    },
                    data=request.body or None,
                    allow_redirects=False,
                    ssl=trust,
                    proxy=proxy,
                    timeout=self._timeout,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unconnected(error, self._connection, proxy) or _translate(error) from error
        if response.status not in _STATUSES:
            response.close()
            raise UpstreamUnreadable(f"the provider's answer has the status {response.status}")
        return _HttpResponse(response, self._read_seconds)

    def _authorization(
        self, request: UpstreamRequest, url: URL, credential: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return what says who asks: the credential, or a signature over what goes up."""
        if self._signature is None:
            return credential
        host = url.host_port_subcomponent or ""
        said = request.method, host, url.raw_path, url.raw_query_string
        return self._signature.headers(*said, request.headers, request.body)


class _HttpResponse:
    def __init__(self, response: aiohttp.ClientResponse, read_seconds: float | None) -> None:
        self.status = response.status
        self.headers = {name.lower(): _readable(value) for name, value in response.headers.items()}
        self._response = response
        self._read_seconds = read_seconds

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._read():
                for start in range(0, len(chunk), _CHUNK):
                    yield chunk[start : start + _CHUNK]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _translate(error) from error

    async def close(self) -> None:
        self._response.close()

    async def _read(self) -> bytes:
        """Read what is there. Chunk extensions without end are bytes on the socket, and none of the body."""
        async with asyncio.timeout(self._read_seconds):
            return await self._response.content.readany()


class CountedResponse:
    """A response of which every byte is counted as it comes: `count` raises when there is no room for it."""

    def __init__(self, response: UpstreamResponse, count: Callable[[int], None]) -> None:
        self.status, self.headers, self.close = response.status, response.headers, response.close
        self._response = response
        self._count = count

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.chunks():
            self._count(len(chunk))
            yield chunk


class ReplayedResponse:
    """A completion that was held and is now released, read again as if the provider had just sent it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _CHUNK):
            yield self._body[start : start + _CHUNK]
            await asyncio.sleep(0)

    async def close(self) -> None:
        self._body = b""


def pack(response: UpstreamResponse, body: bytes) -> bytes:
    """Return a whole completion as one blob: what a ReplayedResponse needs, then the provider's bytes."""
    head = {"status": response.status, "content-type": response.headers.get("content-type", "")}
    return orjson.dumps(head) + b"\n" + body


def unpack(blob: bytes) -> ReplayedResponse:
    head, _, body = blob.partition(b"\n")
    fields = orjson.loads(head)
    return ReplayedResponse(fields["status"], {"content-type": fields["content-type"]}, body)


def open_session(connect_seconds: float, read_seconds: float) -> aiohttp.ClientSession:
    """Open the pooled session: it keeps no cookies and takes no proxy or netrc from the environment."""
    return aiohttp.ClientSession(
        connector=BoundedConnector(limit=0, keepalive_timeout=30),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_read=read_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Content-Type"),
        trust_env=False,
    )


def _readable(value: str) -> str:
    """Return a header's text: aiohttp puts half a surrogate pair for each byte that is no UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("latin-1")


def _unconnected(error: Exception, connection: ConnectionSettings, proxy: URL | None) -> NotConnected | None:
    """Return the refusal for a failure before anything was sent."""
    if not isinstance(
        error, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError
    ):
        return None
    message = "the provider could not be reached or closed the connection"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        message = "the provider could not be reached in time"
    return NotConnected(message, explain(error, ca=connection.ca.path if connection.ca else "", proxy=proxy))


def _translate(error: Exception) -> RegateError:
    """Translate a failure into a refusal; the foreign message may name internal hosts and is left out."""
    if isinstance(error, TimeoutError):
        return UpstreamTimeout("the provider did not answer in time")
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.http_exceptions.HttpProcessingError):
        return UpstreamUnreadable("the provider's answer is not valid HTTP")
    return UpstreamUnavailable("the provider could not be reached or closed the connection")
