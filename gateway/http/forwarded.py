"""Who is really asking, behind proxies that the configuration trusts: their address and scheme.

    peer 10.0.0.2 (trusted), X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1    →    203.0.113.9

The right-most address that is not a trusted proxy's counts: a caller can write whatever it likes to the left.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forwarded:
    """Puts the caller's address and scheme into the request; without a trusted peer it changes nothing."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request as its caller's own."""
        client = scope.get("client") if self._trusted else None
        peer = _address(client[0]) if client else None
        if scope["type"] != "http" or peer is None or not self._trusts(peer):
            await self._app(scope, receive, send)
            return
        caller = self._caller(peer, _values(scope, b"x-forwarded-for"))
        scheme = (_values(scope, b"x-forwarded-proto") or [scope["scheme"]])[-1].lower()
        if scheme not in ("http", "https"):
            scheme = scope["scheme"]
        await self._app({**scope, "client": (str(caller), 0), "scheme": scheme}, receive, send)

    def _caller(self, peer: Address, hops: Sequence[str]) -> Address:
        """Return the last address that a trusted proxy vouches for."""
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:  # nothing to the left of what cannot be read is vouched for
                break
            peer = address
            if not self._trusts(address):
                break
        return peer

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the values of a header, left to right, over all lines of that name."""
    lines = [value.decode("latin-1") for header, value in scope["headers"] if header == name]
    return [value.strip() for value in ",".join(lines).split(",")] if lines else []


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
