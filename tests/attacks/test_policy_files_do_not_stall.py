"""A large policy file holds up no request while it comes into force."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from logging import getLogger
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config, PolicySettings, Provider, yaml12
from gateway.policy import ActiveBundle, Policies, PolicySource
from gateway.policy.bundle import bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.policy.engine.engine import probe
from gateway.policy.source import source
from tests.support.configuration import need_engine
from tests.support.waiting import PATIENCE_SECONDS

LIBRARY = Path(__file__).parents[2] / "policies" / "rego"
USERS = 50_000
LONGEST_HOLD = 0.25  # seconds; parsing in the process held the loop for more than 5


def users() -> dict[str, Any]:
    return {
        f"user{number:05d}": {
            "name": f"Person Number {number}",
            "mail": f"person{number}@example.com",
            "team": f"team-{number % 100}",
            "level": number % 7,
            "active": True,
        }
        for number in range(USERS)
    }


def as_yaml(people: dict[str, Any]) -> str:
    """Some 6 MB of YAML."""
    lines = []
    for name, facts in people.items():
        lines.append(f"{name}:\n")
        lines.extend(f"  {key}: {json.dumps(value)}\n" for key, value in facts.items())
    return "".join(lines)


@pytest.fixture(params=["sidecar", "embedded"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    need_engine(request.param)
    shutil.copytree(LIBRARY, tmp_path / "rego")
    folders = {"path": str(tmp_path / "rego"), "tables": str(tmp_path / "data")}
    settings = PolicySettings(engine=request.param, reload_seconds=0.1, **folders)
    return Config(providers={"demo": Provider("openai", "builtin:demo")}, policy=settings)


def refuse(*_: object) -> None:
    raise AssertionError("policy was parsed in the process that answers requests")


@pytest.fixture
def only_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every parser and packer of policy fail in this process."""
    monkeypatch.setattr(yaml12, "_Document", refuse)
    monkeypatch.setattr(source, "parse_data", refuse)
    monkeypatch.setattr(source, "read_text", refuse)
    monkeypatch.setattr(bundle, "canonical", refuse)
    monkeypatch.setattr(PolicySource, "data", property(refuse))


async def in_force(policies: Policies, before: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while policies.status().revision == before:
            assert policies.status().error == ""
            await asyncio.sleep(0.02)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_a_large_data_file_does_not_stop_requests(
    config: Config, form: str, only_elsewhere: None
) -> None:
    """The loop goes on turning while 50,000 users come into force, and nothing is parsed in its process."""
    text = as_yaml(users()) if form == "yaml" else json.dumps(users())
    policies = Policies(config, getLogger("test.stall"))
    await policies.start()
    before, held = policies.status().revision, [0.0]

    async def turn() -> None:
        while True:
            asked = time.process_time()  # other processes do not count
            await asyncio.sleep(0.001)
            held.append(time.process_time() - asked)

    folder = config.policy_path / "settings" / "users"
    folder.mkdir()
    (folder / f"data.{form}").write_text(text)
    turning = asyncio.create_task(turn())
    try:
        await in_force(policies, before)
    finally:
        turning.cancel()
        await policies.close()
    assert max(held) < LONGEST_HOLD


@pytest.mark.timeout(180)
async def test_a_large_table_stops_no_request_and_makes_no_other_policy(
    config: Config, only_elsewhere: None
) -> None:
    """50,000 users come into force under the policy's own revision; each decision names theirs."""
    config.tables_path.mkdir()
    table = config.tables_path / "users.json"
    table.write_text("{}")
    policies = Policies(config, getLogger("test.stall"))
    await policies.start()
    revision, first = policies.revision, policies.status().tables
    table.write_text(json.dumps(users()))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (decision := await policies.decide(probe())).tables == first:
                assert policies.status().error == ""
                await asyncio.sleep(0.01)
        async with asyncio.timeout(PATIENCE_SECONDS):  # the engine has them before it is known to
            while policies.status().tables != decision.tables:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
        assert (decision.revision, policies.revision) == (revision, revision)
        table.write_text("{")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (error := policies.status().error):
                assert policies.status().ready
                await asyncio.sleep(0.02)
        assert f"{table}:1: not valid JSON" in error
        assert (await policies.decide(probe())).tables == decision.tables
    finally:
        await policies.close()


@pytest.mark.timeout(180)
async def test_a_large_bundle_does_not_stop_requests(
    config: Config, tmp_path: Path, only_elsewhere: None
) -> None:
    """The bundle that other OPAs pull is packed and signed in another process too."""
    create_signing_key(tmp_path / "policy.key", "ES256")
    policies = Policies(config, getLogger("test.stall"))
    await policies.start()
    try:
        content = await ActiveBundle(policies, tmp_path / "policy.key").content()
    finally:
        await policies.close()
    assert content[:2] == b"\x1f\x8b"  # gzip
