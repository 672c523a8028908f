"""Secrets of a Vault's key/value engine, version 2 (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2).

vault:secret/regate/openai#key   →   GET /v1/secret/data/regate/openai, its member `key`
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from gateway.config import VaultSettings
from gateway.errors import UpstreamUnavailable
from gateway.upstream.connection import ConnectionSettings
from gateway.upstream.credentials import Fetched, StoredCredential, WatchedFile
from gateway.upstream.faults import NotConnected, explain

_LIFE_SECONDS = 300.0  # of a secret that was read: so long it serves when the Vault is sealed
_SHARE_OF_LIFE = 0.8  # after which the gateway signs in anew
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_LARGEST = 1024 * 1024
_SAID = {403: "it denies this", 404: "nothing stands there", 503: "it is sealed, or down for maintenance"}


class VaultReader:
    """Reads secrets, and signs in when it has to."""

    def __init__(self, settings: VaultSettings, session: aiohttp.ClientSession, root: Path) -> None:
        self._settings = settings
        self._session = session
        ca = WatchedFile(root / settings.ca) if settings.ca else None
        self._connection = ConnectionSettings(ca=ca)
        self._signing_in = asyncio.Lock()
        self._token = ""
        self._ends_at = 0.0

    def reader(self, reference: str) -> Callable[[float], Awaitable[Fetched]]:
        """Return what reads the secret that a reference names, without `vault:`."""
        where, _, member = reference.partition("#")
        mount, _, path = where.partition("/")

        async def fetch(now: float) -> Fetched:
            told = _members(await self._read(f"{quote(mount)}/data/{quote(path)}"), "data")
            value = _members(told, "data").get(member)
            if not isinstance(value, str) or not value:
                raise ValueError(f"the secret has no text under {member}")
            return Fetched(value.strip(), now + _LIFE_SECONDS, now)

        return fetch

    async def _read(self, path: str) -> Mapping[str, Any]:
        """Read a path; a token that is no longer taken is replaced once. Raises OSError, ValueError."""
        token = await self._signed_in()
        status, told = await self._call("GET", path, token)
        if status == 403 and not self._settings.token:
            self._ends_at = 0.0
            status, told = await self._call("GET", path, await self._signed_in())
        if status != 200:
            raise ValueError(f"the Vault answered {status}: {_SAID.get(status, 'no secret')}")
        return told

    async def _signed_in(self) -> str:
        settings = self._settings
        if settings.token:
            return await _secret(settings.token)
        async with self._signing_in:
            if time.time() < self._ends_at:
                return self._token
            if role := settings.approle:
                said = {"role_id": role.role_id, "secret_id": await _secret(role.secret_id)}
                mount = role.mount
            else:
                assert settings.kubernetes
                mount = settings.kubernetes.mount
                said = {"role": settings.kubernetes.role, "jwt": await _secret(settings.kubernetes.jwt)}
            status, told = await self._call("POST", f"auth/{quote(mount)}/login", "", said)
            auth = _members(told, "auth")
            token, life = auth.get("client_token"), auth.get("lease_duration")
            if status != 200 or not isinstance(token, str):
                raise ValueError(
                    f"the Vault answered {status} to the sign-in: {_SAID.get(status, 'no token')}"
                )
            lasting = life if isinstance(life, int) and life > 0 else _LIFE_SECONDS
            self._token, self._ends_at = token, time.time() + lasting * _SHARE_OF_LIFE
            return token

    async def _call(
        self, method: str, path: str, token: str, said: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, Any]]:
        headers = {"x-vault-request": "true", "content-type": "application/json"}
        headers |= {"x-vault-token": token} if token else {}
        headers |= {"x-vault-namespace": self._settings.namespace} if self._settings.namespace else {}
        try:
            async with self._session.request(
                method,
                f"{self._settings.address.rstrip('/')}/v1/{path}",
                headers=headers,
                data=orjson.dumps(said) if said else None,
                ssl=self._connection.trust(),
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(_LARGEST)
        except NotConnected as error:
            raise OSError(error.why) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(f"the Vault cannot be asked: {explain(error, ca=self._settings.ca)}") from None
        try:
            told = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            told = None
        return response.status, told if isinstance(told, dict) else {}


def _members(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


async def _secret(reference: str) -> str:
    try:
        return await StoredCredential(reference).current()
    except UpstreamUnavailable:
        raise ValueError(f"{reference} is not set") from None
