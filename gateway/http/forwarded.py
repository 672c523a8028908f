"""Who is really asking, behind proxies that the configuration trusts: their address, scheme and certificate.

    peer 10.0.0.2 (trusted), X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1    →    203.0.113.9

The right-most address that is not a trusted proxy's counts: a caller can write whatever it likes to the left.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_PAIR = re.compile(r'\s*(\w+)=("(?:[^"\\]|\\.)*"|[^";,]*)\s*([;,]|$)')
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forwarded:
    """Puts the caller's address and scheme into the request of a trusted peer, and no other.

    Of those peers, the ones in `showing` name the caller's certificate as well: they have checked it, and
    overwrite what a caller sends. Any other proxy passes the header on as it came.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network], showing: Sequence[Network] = ()) -> None:
        self._app = app
        self._trusted = trusted
        self._showing = showing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request as its caller's own."""
        client = scope.get("client") if self._trusted else None
        peer = _address(client[0]) if client else None
        if scope["type"] != "http" or peer is None or not _is_in(peer, self._trusted):
            await self._app(scope, receive, send)
            return
        caller = self._caller(peer, _values(scope, b"x-forwarded-for"))
        scheme = (_values(scope, b"x-forwarded-proto") or [scope["scheme"]])[-1].lower()
        if scheme not in ("http", "https"):
            scheme = scope["scheme"]
        own = {"client": (str(caller), 0), "scheme": scheme, "extensions": self._shown(scope, peer)}
        await self._app({**scope, **own}, receive, send)

    def _caller(self, peer: Address, hops: Sequence[str]) -> Address:
        """Return the last address that a trusted proxy vouches for."""
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:  # nothing to the left of what cannot be read is vouched for
                break
            peer = address
            if not _is_in(address, self._trusted):
                break
        return peer

    def _shown(self, scope: Scope, peer: Address) -> dict[str, Any]:
        """Return the request's extensions with the client's certificate as the nearest proxy saw it (XFCC).

        A proxy that ends TLS and names no certificate has seen none: that of its own connection is its own.
        """
        extensions = {name: value for name, value in scope.get("extensions", {}).items() if name != "tls"}
        header = ",".join(_lines(scope, b"x-forwarded-client-cert")) if _is_in(peer, self._showing) else ""
        if shown := last_certificate(header):
            extensions["tls"] = {"client_cert_chain": [shown]}
        return extensions


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def last_certificate(header: str) -> str:
    """Return the certificate (PEM) of the last element of XFCC, "" when it has none.

    A subject in it is of the client's own choice, so quotes are read as such. What breaks the syntax names
    no certificate.
    """
    at, found = 0, ""
    while at < len(header):
        pair = _PAIR.match(header, at)
        if pair is None:
            return ""
        if pair[1].lower() == "cert":
            found = unquote(pair[2].strip('"'))
        at = pair.end()
        if pair[3] == "," and at < len(header):
            found = ""
    return found


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the values of a header, left to right, over all lines of that name."""
    lines = _lines(scope, name)
    return [value.strip() for value in ",".join(lines).split(",")] if lines else []


def _lines(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _address(text: str) -> Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; None when there is none."""
    host = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
