"""The public keys of an issuer of tokens: fetched in the background, kept while it cannot be reached."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.config import SPIFFE, Issuer, path_of, resolve_reference
from gateway.errors import IssuerUnavailable, RegateError, Unauthenticated

PublicKey = RSAKey | ECKey | OKPKey
_TYPES: Mapping[str, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_TYPE_OF = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # by the first letters of an algorithm
_USES = (None, "sig", "jwt-svid")  # the last in the bundle of a SPIFFE trust domain
_RSA_BITS = 2048
_AGAIN_SECONDS = 10.0  # between two fetches: strangers make up as many unknown keys as they like
_FETCH_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024
_log = logging.getLogger("regate.identity")


class KeySetUnreadable(RegateError):
    """The keys of an issuer cannot be fetched or read."""


class KeySet:
    """The keys of one issuer. They count for `keep_seconds` after they were last seen there."""

    def __init__(self, issuer: Issuer, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._root = root
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._known: Any = None  # the document that they are from
        self._seen_at = self._tried_at = -math.inf
        self._failure = ""
        self._fetching: asyncio.Task[None] | None = None

    @property
    def failure(self) -> str:
        """Why the last fetch failed; empty when it did not."""
        return self._failure

    def holds(self, key: PublicKey) -> bool:
        """Return whether this very key still counts."""
        return self._clock() - self._seen_at < self._issuer.keep_seconds and key in self._keys

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """Return the key of this id. For one that is not known the issuer is asked, once in a while.

        Raises Unauthenticated for a key that the issuer does not have, IssuerUnavailable when it cannot say.
        """
        if (found := self._find(kid, algorithm)) is not None:
            return found
        if self._fetching is not None or self._clock() - self._tried_at >= _AGAIN_SECONDS:
            await self.refresh()
            if (found := self._find(kid, algorithm)) is not None:
                return found
        if self._failure:
            raise IssuerUnavailable("token: the keys of its issuer cannot be fetched")
        raise Unauthenticated("token: signed by a key that its issuer does not have")

    async def keep_fresh(self) -> None:
        """Fetch the keys again and again; until the issuer answers, more often."""
        while True:
            await self.refresh()
            await asyncio.sleep(_AGAIN_SECONDS if self._failure else self._issuer.refresh_seconds)

    async def refresh(self) -> None:
        """Fetch the keys now, once for all who wait. A failure is kept in `failure`, and logged."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._refresh(), name="key set")
        await asyncio.shield(self._fetching)

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetching

    async def _refresh(self) -> None:
        try:
            self._tried_at = self._clock()
            document = await self._document()
            if document != self._known:  # the same keys stay the same objects: verified tokens go by them
                self._keys, self._known = read_keys(document), document
            self._seen_at = self._clock()
            self._told("")
        except KeySetUnreadable as error:
            self._told(str(error))
        finally:
            self._fetching = None

    def _told(self, failure: str) -> None:
        if failure and failure != self._failure:
            _log.warning("issuer %s: its keys cannot be fetched: %s", self._issuer.issuer, failure)
        elif self._failure and not failure:
            _log.info("issuer %s: its keys are here again", self._issuer.issuer)
        self._failure = failure

    def _find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        fitting = [key for key in self._keys if _fits(key, algorithm) and self.holds(key)]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.kid == kid), None)

    async def _document(self) -> Any:
        issuer = self._issuer
        try:
            if issuer.jwks and "://" not in issuer.jwks:
                return httpx.Response(200, content=path_of(self._root, issuer.jwks).read_bytes()).json()
            async with httpx.AsyncClient(verify=self._trust(), timeout=_FETCH_SECONDS) as client:
                return await _fetched(client, issuer.jwks or await self._discovered(client), self._headers())
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise KeySetUnreadable(f"{type(error).__name__}: {error}") from error

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        """Return where the issuer says that its keys are (OpenID Connect Discovery 1.0, 4)."""
        issuer = self._issuer.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await _fetched(client, url, self._headers())
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise ValueError(f"{url} is not about the issuer {issuer}")
        found = document.get("jwks_uri")
        if not isinstance(found, str) or not found.startswith(
            ("https://", f"{issuer.partition('://')[0]}://")
        ):
            raise ValueError(f"{url}: expected a jwks_uri with https")
        return found

    def _trust(self) -> ssl.SSLContext | bool:
        if not self._issuer.ca:
            return True
        return ssl.create_default_context(cafile=path_of(self._root, self._issuer.ca))

    def _headers(self) -> dict[str, str]:
        secret = resolve_reference(self._issuer.credential) if self._issuer.credential else None
        if secret and not (secret.isascii() and secret.isprintable()):  # an error would repeat it
            raise ValueError("its credential is no printable text of one line")
        return {"authorization": f"Bearer {secret}"} if secret else {}


async def _fetched(client: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> Any:
    """Return the JSON at a URL; a redirection is an error, for it may lead anywhere."""
    body = bytearray()
    async with asyncio.timeout(_FETCH_SECONDS), client.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise ValueError(f"{url} answered {response.status_code}, expected 200")
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise ValueError(f"{url} answered over {_MOST_BYTES} bytes")
    return httpx.Response(200, content=bytes(body)).json()


def read_keys(document: Any) -> tuple[PublicKey, ...]:
    """Return the public keys of a JWK set that can verify signatures. Raises KeySetUnreadable when none can.

    Keys of other kinds and uses are left out, shared secrets above all.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeySetUnreadable("expected a JWK set, an object with `keys`")
    keys = tuple(key for each in listed if isinstance(each, dict) and (key := _read(each)) is not None)
    if not keys:
        raise KeySetUnreadable("no key in it can verify a signature")
    return keys


def _read(document: Mapping[str, Any]) -> PublicKey | None:
    kind = _TYPES.get(str(document.get("kty")))
    if kind is None or document.get("use") not in _USES or "d" in document:
        return None
    try:
        with warnings.catch_warnings(action="ignore", category=SecurityWarning):  # weak ones go below
            key = kind.import_key(dict(document))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, RSAKey) and key.raw_value.key_size < _RSA_BITS else key


def _fits(key: PublicKey, algorithm: str) -> bool:
    return key.key_type == _TYPE_OF[algorithm[:2]] and key.get("alg") in (None, algorithm)


def trust_domain(spiffe_id: str) -> str:
    """Return `spiffe://domain` of a SPIFFE id, "" for anything else."""
    if not spiffe_id.startswith(SPIFFE):
        return ""
    return SPIFFE + spiffe_id.removeprefix(SPIFFE).partition("/")[0]
