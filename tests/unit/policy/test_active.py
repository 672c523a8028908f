"""The policy in force is served as one signed archive, built once for all that ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.config import Config, PolicySettings, Provider
from gateway.errors import ConfigError
from gateway.policy import ActiveBundle, Policies
from gateway.policy.bundle.bundle import read_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from tests.unit.policy.conftest import LOG


@pytest.fixture
async def policies(policy: Path) -> AsyncIterator[Policies]:
    """Policies that have not been started."""
    settings = PolicySettings(engine="embedded", path=str(policy))
    policies = Policies(Config(providers={"demo": Provider("openai", "builtin:demo")}, policy=settings), LOG)
    yield policies
    await policies.close()


async def test_all_that_ask_at_once_get_the_one_archive_of_what_decides(
    policies: Policies, tmp_path: Path
) -> None:
    key, _ = create_signing_key(tmp_path / "policy.key", "ES256")
    await policies.start()
    active = ActiveBundle(policies, tmp_path / "policy.key")
    first, *others = await asyncio.gather(*(active.content() for _ in range(3)))
    assert all(other is first for other in others)
    assert await active.content() is first
    found = read_bundle(tmp_path / "active.tar.gz", first, key.public)
    assert found.revision == policies.status().revision


async def test_before_a_policy_is_in_force_there_is_no_archive(policies: Policies, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no policy is in force yet"):
        await ActiveBundle(policies, tmp_path / "policy.key").content()


async def test_a_key_that_is_made_later_signs_then(policies: Policies, tmp_path: Path) -> None:
    await policies.start()
    active = ActiveBundle(policies, tmp_path / "policy.key")
    with pytest.raises(ConfigError, match="run regate policy keygen"):
        await active.content()
    key, _ = create_signing_key(tmp_path / "policy.key", "ES256")
    assert read_bundle(tmp_path / "active.tar.gz", await active.content(), key.public).modules
