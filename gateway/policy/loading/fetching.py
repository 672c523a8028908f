"""Tables from an HTTP server: their signed bundle is fetched now and then, and kept as a file once proven."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from gateway.config import Config, TableBundle, resolve_reference
from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.bundle.archive import MAX_PACKED
from gateway.policy.loading.reading import keep_fetched

_SECONDS = 30.0  # for one bundle
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fetching:
    """How it goes: `failing_since` is set, and `error` says why, until a fetch goes right."""

    error: str = ""
    failing_since: datetime | None = None
    failures: int = 0


class TableSource:
    """The server that has the tables. What cannot be had, or proven, leaves the file as it is."""

    def __init__(self, bundle: TableBundle, config: Config, key: Path, log: logging.Logger) -> None:
        """Take the settings. Raises ConfigError where a token or certificates are not there."""
        self._url, self._path, self._key, self._log = bundle.url, config.tables_path, key, log
        self._poll_seconds = bundle.poll_seconds
        token = resolve_reference(bundle.token) if bundle.token else ""
        if token is None:
            raise ConfigError(f"policy.tables_bundle.token: {bundle.token} is not set")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            self._tls = ssl.create_default_context(cafile=config.root / bundle.ca if bundle.ca else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"policy.tables_bundle.ca: expected certificates in PEM: {error}") from error
        self._etag = ""
        self.state = Fetching()

    async def fetch(self) -> None:
        """Fetch once, and say in `state` how it went."""
        try:
            await self._fetch()
        except (ConfigError, PolicyUnavailable) as error:
            if str(error) != self.state.error:
                self._log.error("tables: those that are here stay in force: %s", error)
            since = self.state.failing_since or datetime.now(UTC)
            self.state = Fetching(str(error), since, self.state.failures + 1)
        else:
            self.state = replace(self.state, error="", failing_since=None)

    async def watch(self) -> None:
        """Fetch from time to time."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            await self.fetch()

    async def _fetch(self) -> None:
        content, etag = await self._get()
        if content is not None:
            try:
                await keep_fetched(self._path, content, self._key)
            except ConfigError as error:
                raise ConfigError(f"{self._url}: {error}") from error
        self._etag = etag

    async def _get(self) -> tuple[bytes | None, str]:
        """Return the bundle, None where it is the one from before, and its tag."""
        headers = self._headers | ({"if-none-match": self._etag} if self._etag else {})
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        connector = aiohttp.TCPConnector(ssl=self._tls)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.get(self._url, headers=headers, allow_redirects=False) as response,
            ):
                if response.status == 304 and self._etag:
                    return None, self._etag
                if response.status != 200:
                    raise PolicyUnavailable(f"{self._url}: answered {response.status}, expected 200")
                return await _body(self._url, response), response.headers.get("etag", "")
        except TimeoutError as error:
            raise PolicyUnavailable(f"{self._url}: did not answer within {_SECONDS:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PolicyUnavailable(f"{self._url}: cannot be reached: {type(error).__name__}") from error


async def _body(url: str, response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        found += chunk
        if len(found) > MAX_PACKED:
            raise PolicyUnavailable(f"{url}: answered more than {MAX_PACKED} bytes")
    return bytes(found)
