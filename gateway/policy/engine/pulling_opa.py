"""How to ask an OPA that runs elsewhere, over TCP or TLS, and how it fares with the bundle that it pulls."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.engine.opa_client import OpaClient, parse_object

BUNDLE = "policy"  # what the bundle has to be called in the configuration of that OPA
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the OPA says about its bundle. Times are this gateway's: when it saw the OPA succeed."""

    revision: str = ""
    succeeded_at: datetime | None = None
    failures: int = 0
    error: str = "the OPA has not said yet which policy it has"


class PullingOpaClient(OpaClient):
    """OpaClient for an address of the network; certificates are checked, redirects are not followed."""

    def __init__(self, url: str, *, token: str, ca: Path | None, timeout_seconds: float) -> None:
        super().__init__(Path(), token=token, bundle=BUNDLE, revision="", timeout_seconds=timeout_seconds)
        address = urlsplit(url)
        host = address.hostname or ""
        self.host = f"[{host}]" if ":" in host else host
        self.port = address.port or _PORTS[address.scheme]
        self.schema = f"{address.scheme}://"
        self.root_url = f"{self.schema}{self.host}:{self.port}/v1"
        self._tls = _context(ca) if address.scheme == "https" else None
        self._last_request = ""

    async def pulled(self, before: Pulled) -> Pulled:
        """Return the state that follows `before`. An OPA that does not report has not succeeded.

        OPA's health says nothing of a bundle that is refused or cannot be had; its status does.
        """
        try:
            status = await self._status()
        except PolicyUnavailable as error:
            return replace(before, error=str(error))
        asked, fault = str(status.get("last_request", "")), str(status.get("message") or "")
        revision = str(status.get("active_revision") or "")
        if asked == self._last_request:
            return replace(before, revision=revision)
        self._last_request = asked
        if status.get("code") or not revision:
            why = f"the bundle is not taken: {fault[:500] or 'none has come yet'}"
            return replace(before, revision=revision, failures=before.failures + 1, error=why)
        return replace(before, revision=revision, succeeded_at=datetime.now(UTC), error="")

    async def _status(self) -> dict[str, Any]:
        code, body = await self._send("GET", f"{self.root_url}/status")
        found: Any = parse_object(body) if code == 200 else None
        for key in ("result", "bundles", BUNDLE):
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise PolicyUnavailable(
                f"/v1/status of the OPA answered {code} and nothing about a bundle {BUNDLE!r}; "
                "expected its status plugin to be on and this token to be let in"
            )
        return found

    async def _init_session(self) -> None:
        self._open_session(aiohttp.TCPConnector(limit=0, ssl=self._tls or True))


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"policy.opa.ca: {ca}: expected certificates in PEM: {error}") from error
