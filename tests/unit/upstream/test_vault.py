"""Credentials come from a Vault by each way to sign in, over TLS; a sealed one leaves nothing to use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Provider, VaultSettings
from gateway.errors import UpstreamUnavailable
from gateway.upstream import UpstreamRequest, Upstreams, open_session
from tests.support.sites import always, site
from tests.support.tls import certificate, serving
from tests.support.vault import vault

REFERENCE = "vault:secret/regate/openai#key"
WAYS: dict[str, dict[str, Any]] = {
    "token": {"token": "env:VAULT_TOKEN"},
    "approle": {"approle": {"role_id": "regate", "secret_id": "env:VAULT_SECRET_ID"}},
    "kubernetes": {"kubernetes": {"role": "regate", "jwt": "file:{jwt}", "mount": "k8s"}},
}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "root")
    monkeypatch.setenv("VAULT_SECRET_ID", "s3cret-id")
    (tmp_path / "jwt").write_text("a.b.c")
    certificate(tmp_path)


def settings(folder: Path, url: str, way: str, **more: Any) -> VaultSettings:
    said = msgspec.json.decode(msgspec.json.encode(WAYS[way]).replace(b"{jwt}", bytes(folder / "jwt")))
    return msgspec.convert({"address": url, "ca": "tls.pem", **said, **more}, VaultSettings)


async def ask(found: Upstreams) -> int:
    request = UpstreamRequest("POST", "/", "", {}, b"{}")
    response = await found.find("p").transport.send(request)
    await response.close()
    return response.status


def forget(found: Upstreams) -> Any:
    """Let the secret that was read end, and what failed be asked again."""
    held = found.find("p").transport.places[0].keyring._keys[0].credential  # type: ignore[attr-defined]
    held._held, held._failed_at = None, 0.0
    return held


@pytest.mark.parametrize("way", WAYS)
async def test_a_secret_is_read_by_each_way_to_sign_in_and_again_when_it_has_ended(
    tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with vault(serving(tmp_path)) as kept, site(always()) as one, open_session(2, 2) as session:
        kept.secrets["secret/data/regate/openai"] = {"key": "sk-one"}
        provider = Provider("openai", one.url, REFERENCE)
        where = settings(tmp_path, kept.url, way, namespace="team")
        found = Upstreams({"p": provider}, session, tmp_path, vault=where)
        for _ in range(3):
            assert await ask(found) == 200
        kept.secrets["secret/data/regate/openai"] = {"key": "sk-two\n"}
        forget(found)
        kept.tokens = {"root"}  # the token of the sign-in was revoked
        assert await ask(found) == 200
        kept.sealed = True
        assert await ask(found) == 200  # what was read still serves
        forget(found)
        with caplog.at_level(logging.WARNING, "regate.upstream"), pytest.raises(UpstreamUnavailable):
            await ask(found)
        assert f"credential {REFERENCE} cannot be had: the Vault answered 503" in caplog.text
        kept.sealed = False
        forget(found)
        assert await ask(found) == 200
    assert one.keys == ["sk-one"] * 3 + ["sk-two"] * 3
    assert kept.signed_in == (0 if way == "token" else 2)
    assert kept.namespaces == {"team"}
    assert not any(secret in caplog.text for secret in ("sk-", "s3cret-id", "hvs.", "a.b.c"))


@pytest.mark.parametrize(
    ("secret", "unset", "why"),
    [
        ({"other": "sk-one"}, False, "no text under key"),
        ({"key": {"a": "sk-one"}}, False, "no text under key"),
        (None, False, "404: nothing stands there"),
        ({"key": "sk-one"}, True, "env:VAULT_TOKEN is not set"),
    ],
)
async def test_what_is_not_there_is_told_and_nothing_goes_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    secret: Any,
    unset: bool,
    why: str,
) -> None:
    if unset:
        monkeypatch.delenv("VAULT_TOKEN")
    async with vault(serving(tmp_path)) as kept, site(always()) as one, open_session(2, 2) as session:
        if secret:
            kept.secrets["secret/data/regate/openai"] = secret
        where = settings(tmp_path, kept.url, "token")
        found = Upstreams({"p": Provider("openai", one.url, REFERENCE)}, session, tmp_path, vault=where)
        with pytest.raises(UpstreamUnavailable):
            await ask(found)
    assert why in caplog.text
    assert one.keys == []


async def test_a_vault_that_cannot_be_trusted_or_reached_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with vault(serving(tmp_path)) as kept, open_session(2, 2) as session:
        for address, ca, why in (
            (kept.url, "", "its certificate is not accepted"),
            (kept.url, "none.pem", "its CA file"),
            ("https://127.0.0.1:1", "tls.pem", "the Vault cannot be asked"),
        ):
            where = settings(tmp_path, address, "token", ca=ca)
            found = Upstreams(
                {"p": Provider("openai", "http://h", REFERENCE)}, session, tmp_path, vault=where
            )
            with pytest.raises(UpstreamUnavailable):
                await ask(found)
            assert why in caplog.text
