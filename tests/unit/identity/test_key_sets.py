"""Keys of issuers: fetched once for all, kept while the issuer is away, and no longer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey

from gateway.config import Issuer
from gateway.errors import IssuerUnavailable, Unauthenticated
from gateway.identity.key_sets import KeySet, KeySetUnreadable, read_keys
from tests.support.served import RawProvider, Reply, raw_provider
from tests.support.tokens import Signer, small_rsa

SIGNER = Signer()
KID = SIGNER.key.kid


@dataclass(slots=True)
class Clock:
    """Monotonic seconds that a test sets."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def issuer_of(document: Any, **settings: Any) -> AsyncIterator[tuple[RawProvider, KeySet, Clock]]:
    async with raw_provider() as server:
        server.reply = Reply(pieces=[json.dumps(document).encode()])
        clock = Clock()
        of = {"issuer": server.url, "audience": "a", "owner": "=o", "jwks": f"{server.url}/keys", **settings}
        keys = KeySet(Issuer(**of), Path(), clock)
        yield server, keys, clock
        await keys.close()


def jwks(*keys: Any) -> dict[str, Any]:
    return {"keys": [SIGNER.key.as_dict(private=False), *keys]}


async def test_strangers_keys_make_one_fetch_and_no_storm() -> None:
    async with issuer_of(jwks()) as (server, keys, clock):
        await asyncio.gather(*(keys.find(KID, "ES256") for _ in range(50)))
        assert server.count == 1
        for _ in range(50):
            with pytest.raises(Unauthenticated, match="does not have"):
                await keys.find("made-up", "ES256")
        assert server.count == 1
        clock.seconds += 11
        refused = await asyncio.gather(
            *(keys.find("made-up", "ES256") for _ in range(50)), return_exceptions=True
        )
        assert all(isinstance(each, Unauthenticated) for each in refused)
        assert server.count == 2


async def test_known_keys_outlive_their_issuer_for_as_long_as_the_settings_say() -> None:
    async with issuer_of(jwks(), keep_seconds=700) as (server, keys, clock):
        known = await keys.find(KID, "ES256")
        server.reply = Reply(status=500)
        clock.seconds += 600
        await keys.refresh()
        assert "answered 500" in keys.failure
        assert await keys.find(KID, "ES256") is known
        with pytest.raises(IssuerUnavailable):
            await keys.find("made-up", "ES256")
        clock.seconds += 100
        assert not keys.holds(known)
        with pytest.raises(IssuerUnavailable):
            await keys.find(KID, "ES256")


async def test_a_key_that_leaves_the_set_counts_no_longer() -> None:
    async with issuer_of(jwks()) as (server, keys, _):
        known = await keys.find(KID, "ES256")
        await keys.refresh()
        assert keys.holds(known)  # the same document: the same keys
        server.reply = Reply(pieces=[json.dumps({"keys": [Signer().key.as_dict(private=False)]}).encode()])
        await keys.refresh()
        assert not keys.holds(known)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=302, headers=[("location", "http://127.0.0.1:1/")]), "answered 302"),
        (Reply(pieces=[b"{"]), "JSONDecodeError"),
        (Reply(pieces=[b"[]"]), "expected a JWK set"),
        (Reply(pieces=[b'{"keys": []}']), "no key in it"),
        (Reply(pieces=[b" " * 1024 * 1024, b" "]), "over 1048576 bytes"),
    ],
)
async def test_what_is_no_key_set_is_none(reply: Reply, said: str) -> None:
    async with issuer_of({}) as (server, keys, _):
        server.reply = reply
        await keys.refresh()
        assert said in keys.failure


async def test_discovery_counts_when_it_is_about_the_issuer() -> None:
    async with issuer_of({}, jwks="") as (server, keys, _):
        for document, said in (
            ({"issuer": "https://evil.example", "jwks_uri": server.url}, "not about the issuer"),
            ({"issuer": server.url, "jwks_uri": "file:///etc/passwd"}, "expected a jwks_uri"),
            ({"issuer": server.url, "jwks_uri": f"{server.url}/keys"}, "expected a JWK set"),
        ):
            server.reply = Reply(pieces=[json.dumps(document).encode()])
            await keys.refresh()
            assert said in keys.failure
    assert server.got is not None
    assert server.got.target == "/keys"


def test_shared_secrets_and_weak_keys_are_no_keys() -> None:
    secret = OctKey.generate_key(256, auto_kid=True).as_dict(private=True)
    encryption = {**Signer().key.as_dict(private=False), "use": "enc"}
    private = Signer().key.as_dict(private=True)
    found = read_keys(jwks(secret, encryption, private, small_rsa(), {"kty": "RSA"}, {}, 1))
    assert [key.kid for key in found] == [KID]
    with pytest.raises(KeySetUnreadable, match="no key in it"):
        read_keys({"keys": [secret]})


async def test_a_credential_of_two_lines_is_not_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ISSUER_TOKEN", "s3cret\n")
    async with issuer_of(jwks(), credential="env:ISSUER_TOKEN") as (_, keys, _clock):
        await keys.refresh()
        assert "one line" in keys.failure
        assert "s3cret" not in keys.failure + caplog.text
