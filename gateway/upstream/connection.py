"""How a provider is reached: whose certificates count, through which proxy, how long it may take."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from yarl import URL

from gateway.config import Provider
from gateway.upstream.credentials import StoredCredential, WatchedFile
from gateway.upstream.faults import NotConnected


@dataclass(slots=True)
class ConnectionSettings:
    """What all deployments of one provider share. A CA file is read again when it changes."""

    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: aiohttp.ClientTimeout | None = None
    ca: WatchedFile | None = None
    said_proxy: str = ""
    _trusted: tuple[str, ssl.SSLContext] | None = None

    @classmethod
    def of(cls, provider: Provider, root: Path, default: aiohttp.ClientTimeout) -> ConnectionSettings:
        """Return the settings of a provider; paths are taken from `root`."""
        given = provider.timeouts
        timeout = aiohttp.ClientTimeout(
            total=None, connect=given.connect or default.connect, sock_read=given.read or default.sock_read
        )
        ca = WatchedFile(root / provider.ca) if provider.ca else None
        return cls(provider.headers, timeout, ca, provider.proxy)

    def trust(self) -> ssl.SSLContext | bool:
        """Return what vouches for a certificate: the system's authorities, or those of the CA file alone.

        Raises NotConnected when the file cannot be read, or holds no certificate.
        """
        if self.ca is None:
            return True
        text = self.ca.text()
        if text is None:
            raise NotConnected(
                "the provider's CA file cannot be read", f"its CA file {self.ca.path} cannot be read"
            )
        if self._trusted is None or self._trusted[0] != text:
            try:
                self._trusted = text, ssl.create_default_context(cadata=text)
            except ssl.SSLError as error:
                raise NotConnected(
                    "the provider's CA file holds no certificate",
                    f"its CA file {self.ca.path} holds no certificate",
                ) from error
        return self._trusted[1]

    def proxy(self, url: URL) -> URL | None:
        """Return the proxy for an address. Raises NotConnected when its reference is not set."""
        said = self.said_proxy
        if said == "environment":
            found = getproxies_environment().get(url.scheme)
            bypassed = proxy_bypass(f"{url.host}:{url.port}")
            return URL(found if "://" in found else f"http://{found}") if found and not bypassed else None
        if said.startswith(("env:", "file:")):
            said = StoredCredential(said).value or ""
            if not said.startswith(("http://", "https://")):
                raise NotConnected("the provider's proxy is not set")
        try:
            return URL(said) if said else None
        except ValueError:  # it may hold a password, and the error a part of it
            raise NotConnected("the provider's proxy is no address") from None
