"""Tables are fetched from a server that may be away, wrong or hostile; the file keeps the last good ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import Config, PolicySettings, Provider, TableBundle
from gateway.errors import ConfigError
from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from gateway.policy.bundle.table_bundle import build_table_bundle
from gateway.policy.loading.fetching import TableSource
from gateway.policy.source.tables import NO_TABLES
from tests.support.served import RawProvider, Reply, raw_provider
from tests.unit.policy.conftest import LOG

PROVIDERS = {"demo": Provider("openai", "builtin:demo")}


@pytest.fixture
async def server() -> AsyncIterator[RawProvider]:
    async with raw_provider() as provider:
        yield provider


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return create_signing_key(tmp_path / "tables.key", "ES256")[0]


@pytest.fixture
def source(
    server: RawProvider, key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TableSource:
    monkeypatch.setenv("TABLES_TOKEN", "a-token")
    bundle = TableBundle("tables.pub", f"{server.url}/tables.tar.gz", "env:TABLES_TOKEN", poll_seconds=0.05)
    policy = PolicySettings(tables="tables.tar.gz", tables_bundle=bundle)
    return TableSource(bundle, Config(PROVIDERS, policy=policy, root=tmp_path), tmp_path / "tables.pub", LOG)


def bundle_of(key: SigningKey, day: int) -> bytes:
    return build_table_bundle(NO_TABLES, key, datetime(2026, 11, day, tzinfo=UTC))


async def test_what_the_server_has_is_kept_and_asked_for_by_its_tag(
    source: TableSource, server: RawProvider, key: SigningKey, tmp_path: Path
) -> None:
    server.reply = Reply(headers=[("etag", '"one"')], pieces=[bundle_of(key, 1)])
    await source.fetch()
    assert (tmp_path / "tables.tar.gz").read_bytes() == bundle_of(key, 1)
    assert server.got is not None
    assert server.got.header("authorization") == "Bearer a-token"
    server.reply = Reply(304)
    await source.fetch()
    assert server.got.header("if-none-match") == '"one"'
    assert (source.state.error, source.state.failures) == ("", 0)


async def test_what_cannot_be_had_or_proven_changes_nothing_and_is_told_until_it_is_mended(
    source: TableSource, server: RawProvider, key: SigningKey, tmp_path: Path
) -> None:
    good = Reply(headers=[("etag", '"one"')], pieces=[bundle_of(key, 2)])
    server.reply = good
    await source.fetch()
    another, _ = create_signing_key(tmp_path / "another.key", "ES256")
    hostile = [
        (Reply(500), "answered 500, expected 200"),
        (Reply(302, [("location", f"{server.url}/elsewhere")]), "answered 302, expected 200"),
        (Reply(pieces=[b"<html>"]), "no gzip archive"),
        (Reply(pieces=[bundle_of(another, 3)]), "does not fit the key"),
        (Reply(pieces=[bundle_of(key, 1)]), "before the present one"),
        (Reply(pieces=[b"x" * (1 << 20)] * 17, chunked=True), "more than 16777216 bytes"),
    ]
    for failures, (reply, fault) in enumerate(hostile, 1):
        server.reply = reply
        await source.fetch()
        assert fault in source.state.error
        assert source.state.error.startswith(f"{server.url}/tables.tar.gz: ")
        assert (source.state.failures, source.state.failing_since is None) == (failures, False)
        assert (tmp_path / "tables.tar.gz").read_bytes() == bundle_of(key, 2)
    server.drops, server.reply = 200, good
    await source.fetch()
    assert "cannot be reached" in source.state.error
    server.drops = -1
    await source.fetch()
    assert (source.state.error, source.state.failing_since) == ("", None)


def test_a_token_or_certificates_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for bundle, fault in (
        (
            TableBundle("k", "https://tables.example/t", "env:NOT_SET_AT_ALL"),
            "token: env:NOT_SET_AT_ALL is not",
        ),
        (TableBundle("k", "https://tables.example/t", ca="none.pem"), "ca: expected certificates in PEM"),
    ):
        with pytest.raises(ConfigError, match=fault):
            TableSource(bundle, Config(PROVIDERS, root=tmp_path), tmp_path, LOG)
