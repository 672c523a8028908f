"""A Vault as its HTTP API is documented: sign-in by AppRole or Kubernetes, and secrets of version 2."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp.web

ROLES = {
    "/v1/auth/approle/login": {"role_id": "regate", "secret_id": "s3cret-id"},
    "/v1/auth/k8s/login": {"role": "regate", "jwt": "a.b.c"},
}


@dataclass(slots=True)
class StubVault:
    """What it keeps, whom it knows, and whether it is sealed."""

    url: str = ""
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {"root"})
    sealed: bool = False
    signed_in: int = 0
    namespaces: set[str] = field(default_factory=set)

    async def answer(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        if self.sealed:
            return _said(503, errors=["Vault is sealed"])
        if request.method == "POST":
            return await self._sign_in(request)
        self.namespaces.add(request.headers.get("x-vault-namespace", ""))
        if request.headers.get("x-vault-token") not in self.tokens:
            return _said(403, errors=["permission denied"])
        found = self.secrets.get(request.path.removeprefix("/v1/"))
        if found is None:
            return _said(404, errors=[])
        return _said(200, data={"data": found, "metadata": {"version": 1}})

    async def _sign_in(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        if await request.json() != ROLES.get(request.path):
            return _said(400, errors=["invalid role or secret ID"])
        self.signed_in += 1
        token = f"hvs.token-{self.signed_in}"
        self.tokens.add(token)
        return _said(200, auth={"client_token": token, "lease_duration": 3600, "renewable": True})


def _said(status: int, **told: Any) -> aiohttp.web.Response:
    return aiohttp.web.json_response(told, status=status)


@asynccontextmanager
async def vault(tls: ssl.SSLContext) -> AsyncIterator[StubVault]:
    """Serve a Vault over TLS."""
    stub = StubVault()
    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(stub.answer))
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    stub.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()
