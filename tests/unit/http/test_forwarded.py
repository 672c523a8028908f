"""The caller's address and scheme come from trusted proxies only."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gateway.http.forwarded import Forwarded, last_certificate

TRUSTED = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]


async def seen(peer: str, **headers: str) -> tuple[Any, str]:
    """Return the client and the scheme that the application sees."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    given = [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (peer, 5), "scheme": "http", "headers": given}
    unused: Any = None
    await Forwarded(app, TRUSTED)(scope, unused, unused)
    return found[0]["client"][0], found[0]["scheme"]


@pytest.mark.parametrize(
    ("peer", "hops", "caller"),
    [
        ("10.0.0.2", "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("203.0.113.7", "6.6.6.6", "203.0.113.7"),  # not trusted: the header is a claim
        ("10.0.0.2", "6.6.6.6, unknown, 10.0.0.1", "10.0.0.1"),
        ("10.0.0.2", "203.0.113.9:4711", "203.0.113.9"),
        ("::1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("::ffff:10.0.0.2", "203.0.113.9", "203.0.113.9"),
    ],
)
async def test_the_last_address_that_a_trusted_proxy_vouches_for_counts(
    peer: str, hops: str, caller: str
) -> None:
    assert (await seen(peer, **{"for": hops}))[0] == caller


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [("10.0.0.2", "https", "https"), ("203.0.113.7", "https", "http"), ("10.0.0.2", "gopher", "http")],
)
async def test_the_scheme_is_a_trusted_proxys_too(peer: str, proto: str, scheme: str) -> None:
    assert (await seen(peer, proto=proto))[1] == scheme


@pytest.mark.parametrize(
    ("header", "certificate"),
    [
        ('Hash=1;Cert="a%2Bb";URI=spiffe://a/b', "a+b"),
        ("By=x;Cert=first,By=y;Cert=last", "last"),
        ("Cert=first,Hash=2;URI=spiffe://a/b", ""),  # the nearest proxy has seen none
        ('Subject="CN=x,;Cert=forged;O=y";Cert=own', "own"),
        ('Subject="CN=\\",;Cert=forged;O=y";Hash=1', ""),
        ('Cert=own,Subject="CN=x', ""),
        ("Cert", ""),
        ("", ""),
    ],
)
def test_the_nearest_proxys_certificate_counts(header: str, certificate: str) -> None:
    """What stands in quotes is of the client's own choice."""
    assert last_certificate(header) == certificate


@pytest.mark.parametrize(
    ("peer", "certificate"), [("10.0.0.2", ["theirs"]), ("10.0.0.3", None), ("203.0.113.7", ["own"])]
)
async def test_a_certificate_is_believed_of_a_proxy_that_checks_certificates_alone(
    peer: str, certificate: list[str] | None
) -> None:
    """Another one passes on what a caller wrote. A proxy's own certificate is not its client's."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    unused: Any = None
    for headers in ([(b"x-forwarded-client-cert", b"Cert=theirs")], []):
        own = {"tls": {"client_cert_chain": ["own"]}}
        scope = {
            "type": "http",
            "client": (peer, 5),
            "scheme": "https",
            "headers": headers,
            "extensions": own,
        }
        await Forwarded(app, TRUSTED, [ipaddress.ip_network("10.0.0.2")])(scope, unused, unused)
    chains = [one["extensions"].get("tls", {}).get("client_cert_chain") for one in found]
    assert chains == [certificate, None if peer.startswith("10.") else ["own"]]
