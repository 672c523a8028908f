"""The policy in force follows its files, and a broken edit changes nothing but the status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Config, PolicySettings, Provider, TableBundle
from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import ActiveBundle, Policies
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from gateway.policy.bundle.table_bundle import build_table_bundle
from gateway.policy.source.tables import Tables
from tests.support.bundles import library
from tests.support.served import RawProvider, Reply, raw_provider
from tests.unit.policy.conftest import LOG

Document = Callable[..., dict[str, Any]]

STOP = """package regate.rules.stop

verdicts contains {
	"action": "deny", "rule": "stop", "title": "Stop", "message": "stop",
	"severity": "low", "controls": [],
}
"""


@pytest.fixture(params=["sidecar", "embedded"])
def config(request: pytest.FixtureRequest, policy: Path) -> Config:
    if request.param == "sidecar":
        request.getfixturevalue("opa")
    settings = PolicySettings(engine=request.param, path=str(policy), reload_seconds=0.1)
    return Config(providers={"demo": Provider("openai", "builtin:demo")}, policy=settings)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Policies]:
    policies = Policies(config, LOG)
    await policies.start()
    try:
        yield policies
    finally:
        await policies.close()


async def until(condition: Callable[[], bool]) -> None:
    """Fails after a minute, which a busy machine may need."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a file's edit has no event to wait for
            await asyncio.sleep(0.02)


async def test_the_status_says_what_is_in_force(config: Config, document: Document) -> None:
    async with running(config) as policies:
        status = policies.status()
        assert (status.engine, status.ready, status.error) == (config.policy.engine, True, "")
        assert status.loaded_at is not None
        assert (await policies.decide(document())).revision == status.revision
    assert not policies.status().ready


async def test_an_edit_is_in_force_without_a_restart(config: Config, document: Document) -> None:
    async with running(config) as policies:
        before = policies.status().revision
        (config.policy_path / "rules" / "stop.rego").write_text(STOP)
        await until(lambda: policies.status().revision != before)
        assert (await policies.decide(document())).action == "deny"


async def test_an_edit_of_the_settings_is_in_force(config: Config, document: Document) -> None:
    async with running(config) as policies:
        before = policies.status().revision
        settings = config.policy_path / "settings" / "data.yaml"
        settings.write_text(settings.read_text().replace('models: ["*"]', 'models: ["other-*"]'))
        await until(lambda: policies.status().revision != before)
        assert (await policies.decide(document())).action == "deny"


BROKEN = {
    "syntax": ("rules/stop.rego", STOP + "\nverdicts contains x if {\n"),
    "package": ("rules/stop.rego", "package system.authz\n\ndefault allow := true\n"),
    "undefined": ("rules/stop.rego", STOP.replace("}\n", "} if nobody(1)\n")),
    "settings": ("settings/data.yaml", "groups: [\n"),
    "wrong type": ("settings/data.yaml", "groups: 7\n"),
    "decision": ("main.rego", 'package regate\n\ndecision := {"action": "dney"}\n'),
}


async def test_a_broken_edit_leaves_the_last_good_policy_and_shows(
    config: Config, document: Document
) -> None:
    async with running(config) as policies:
        before = policies.status().revision
        for why, (name, text) in BROKEN.items():
            file = config.policy_path / name
            good = file.read_text() if file.exists() else None
            file.write_text(text)
            await until(lambda: policies.status().error != "")
            assert str(config.policy_path) in policies.status().error, why
            assert policies.status().ready, why
            decision = await policies.decide(document())
            assert (decision.action, decision.revision) == ("allow", before), why
            if good is None:
                file.unlink()
            else:
                file.write_text(good)
            await until(lambda: policies.status().error == "")
            assert policies.status().revision == before, why


BLOCKED = (
    STOP.replace("rules.stop", "rules.blocked").rstrip()[:-1]
    + """} if {
	some name in data.tables.blocked
	name == input.agent.owner
}
"""
)


@pytest.fixture
def with_tables(policy: Path, tmp_path: Path) -> Config:
    """A policy that reads a table, whichever engine runs it."""
    (policy / "rules" / "blocked.rego").write_text(BLOCKED)
    settings = PolicySettings(engine="embedded", path=str(policy), reload_seconds=0.1)
    return Config(providers={"demo": Provider("openai", "builtin:demo")}, policy=settings, root=tmp_path)


async def test_a_table_that_goes_away_leaves_what_is_in_force_and_shows(
    with_tables: Config, document: Document
) -> None:
    config, asked = with_tables, document()
    folder = config.tables_path
    folder.mkdir(parents=True)
    blocked = folder / "blocked.json"
    blocked.write_text(json.dumps([asked["agent"]["owner"]]))
    (folder / "users.json").write_text("{}")
    async with running(config) as policies:
        before = policies.status()
        assert before.tables.keys() == {"blocked", "users"}
        blocked.rename(folder.with_name("blocked.json"))
        await until(lambda: "data.tables.blocked: there is no such table" in policies.status().error)
        status = policies.status()
        assert (status.tables, status.failures) == (before.tables, 1)
        assert status.failing_since is not None
        assert (await policies.decide(asked)).action == "deny"
        folder.with_name("blocked.json").rename(blocked)
        await until(lambda: policies.status().error == "")


async def test_without_a_table_that_a_rule_names_nothing_starts(with_tables: Config) -> None:
    policies = Policies(with_tables, LOG)
    with pytest.raises(
        ConfigError, match=r"blocked\.rego:\d+: data\.tables\.blocked: there is no such table"
    ):
        await policies.start()
    await policies.close()


@dataclass(frozen=True, slots=True)
class Source:
    """A server of tables, and a configuration whose policy reads them."""

    server: RawProvider
    key: SigningKey
    config: Config

    def serve(self, tables: dict[str, Any], issued_at: datetime) -> None:
        """Have the server answer with these tables from now on."""
        found = Tables({}, json.dumps({**tables, "_revisions": {}}).encode())
        self.server.reply = Reply(pieces=[build_table_bundle(found, self.key, issued_at)])


@pytest.fixture
async def source(config: Config, tmp_path: Path) -> AsyncIterator[Source]:
    (config.policy_path / "rules" / "blocked.rego").write_text(BLOCKED)
    key, public = create_signing_key(tmp_path / "tables.key", "ES256")
    async with raw_provider() as server:
        bundle = TableBundle(
            str(public), f"{server.url}/tables.tar.gz", poll_seconds=0.1, max_age_seconds=3600
        )
        policy = msgspec.structs.replace(config.policy, tables="tables.tar.gz", tables_bundle=bundle)
        yield Source(server, key, msgspec.structs.replace(config, policy=policy, root=tmp_path))


async def test_tables_from_a_server_decide_alike_in_both_engines_and_never_open(
    source: Source, document: Document
) -> None:
    """What is not there, not signed or too old starts nothing; later the last good tables decide."""
    asked, now = document(), datetime.now(UTC)
    for reply in (Reply(404), Reply(pieces=[b"{}"])):
        source.server.reply = reply
        with pytest.raises(ConfigError, match=r"tables\.tar\.gz: the bundle cannot be read"):
            await Policies(source.config, LOG).start()
    source.serve({"blocked": []}, now - timedelta(hours=2))
    with pytest.raises(ConfigError, match="more than 3600 s ago"):
        await Policies(source.config, LOG).start()
    source.serve({"blocked": [asked["agent"]["owner"]]}, now - timedelta(minutes=2))
    async with running(source.config) as policies:
        before = policies.status()
        assert (before.error, before.tables_issued_at) == ("", now - timedelta(minutes=2))
        decision = await policies.decide(asked)
        assert (decision.action, decision.tables) == ("deny", before.tables)
        source.serve({"blocked": []}, now - timedelta(minutes=3))
        await until(lambda: "before the present one" in policies.status().error)
        assert (await policies.decide(asked)).action == "deny"
        source.serve({"blocked": []}, now - timedelta(minutes=1))
        await until(lambda: policies.status().tables != before.tables)
        assert (await policies.decide(asked)).action == "allow"
        assert policies.status().revision == before.revision


async def test_by_tables_that_grew_too_old_nothing_is_decided(
    source: Source, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = datetime.now(UTC)
    source.serve({"blocked": []}, issued)
    async with running(source.config) as policies:
        assert (await policies.decide(document())).action == "allow"
        source.server.reply = Reply(500)
        monkeypatch.setattr("gateway.policy.source.tables.datetime", Later)
        with pytest.raises(PolicyUnavailable, match="more than 3600 s ago"):
            await policies.decide(document())
        assert not policies.status().ready
        assert "more than 3600 s ago" in policies.status().error
        source.serve({"blocked": []}, issued + timedelta(minutes=4))
        await until(lambda: policies.status().error == "")
        assert (await policies.decide(document())).action == "allow"


class Later(datetime):
    """A clock that is an hour and a minute ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Later:
        return super().now(tz) + timedelta(minutes=61)


SLOW = """package regate.rules.slow

verdicts contains {
	"action": "deny", "rule": "slow", "title": "Slow", "message": "slow",
	"severity": "low", "controls": [],
} if {
	some i in numbers.range(1, 4000)
	some j in numbers.range(1, 4000)
	i + j == 0
}
"""


async def test_a_rule_that_takes_seconds_is_never_in_force_and_is_not_tried_over_and_over(
    config: Config, document: Document
) -> None:
    quick = msgspec.structs.replace(config.policy, timeout_seconds=1.0)
    async with running(msgspec.structs.replace(config, policy=quick)) as policies:
        before = policies.status().revision
        (config.policy_path / "rules" / "slow.rego").write_text(SLOW)
        await until(lambda: "asked for a first decision" in policies.status().error)
        await asyncio.sleep(1)
        assert policies.status().failures <= 3
        decision = await policies.decide(document())
        assert (decision.action, decision.revision) == ("allow", before)
        (config.policy_path / "rules" / "slow.rego").unlink()
        await until(lambda: policies.status().error == "")


async def test_a_folder_that_goes_away_leaves_the_last_good_policy(
    config: Config, document: Document
) -> None:
    async with running(config) as policies:
        config.policy_path.rename(config.policy_path.with_name("gone"))
        await until(lambda: "expected a folder" in policies.status().error)
        assert (await policies.decide(document())).action == "allow"
        config.policy_path.with_name("gone").rename(config.policy_path)
        await until(lambda: policies.status().error == "")


async def test_a_broken_policy_does_not_start(config: Config) -> None:
    (config.policy_path / "main.rego").write_text("package regate\n\ndecision := {\n")
    policies = Policies(config, LOG)
    with pytest.raises(ConfigError, match=r"main\.rego:\d+"):
        await policies.start()
    assert not policies.status().ready
    await policies.close()


def test_a_sidecar_without_opa_is_refused(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGATE_OPA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    providers = {"demo": Provider("openai", "builtin:demo")}
    with pytest.raises(ConfigError, match="make setup"):
        Policies(Config(providers=providers, policy=PolicySettings(engine="sidecar", path=str(policy))), LOG)
    auto = Policies(Config(providers=providers, policy=PolicySettings(path=str(policy))), LOG)
    assert auto.status().engine == "embedded"


async def test_a_bundle_that_is_signed_anew_is_served_with_that_signature(
    config: Config, tmp_path: Path
) -> None:
    old, trusted = create_signing_key(tmp_path / "old.key", "ES256")
    new, public = create_signing_key(tmp_path / "new.key", "ES256")
    bundle = tmp_path / "policy.tar.gz"
    bundle.write_bytes(build_bundle(library(), old))
    settings = msgspec.structs.replace(config.policy, path=str(bundle), verify_key=str(trusted))
    async with running(msgspec.structs.replace(config, policy=settings)) as policies:
        active = ActiveBundle(policies, tmp_path / "none.key")
        assert await active.content() == bundle.read_bytes()
        trusted.write_bytes(public.read_bytes())
        bundle.write_bytes(build_bundle(library(), new))
        async with asyncio.timeout(60):
            while await active.content() != bundle.read_bytes():  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.02)
