"""An OPA elsewhere decides by the policy in force, and by the former one only as long as it may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import PolicySource, load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.engine.embedded import Embedded
from gateway.policy.engine.pulling_opa import PullingOpaClient
from gateway.policy.engine.remote import RemoteOpa
from tests.support.pulling_opa import TOKEN
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.policy.conftest import LOG
from tests.unit.policy.engine.conftest import Pulling, until

Document = Callable[..., dict[str, Any]]


async def try_out(source: PolicySource) -> None:
    """Load a source into a local engine, as the gateway does."""
    engine = Embedded(60.0, LOG)
    try:
        await engine.start(source)
    finally:
        await engine.close()


@asynccontextmanager
async def asking(pulling: Pulling, *, grace: float, seconds: float = 30.0) -> AsyncIterator[RemoteOpa]:
    client = PullingOpaClient(pulling.opa.address, token=TOKEN, ca=pulling.opa.ca, timeout_seconds=seconds)
    engine = RemoteOpa(client, try_out, grace, LOG)
    try:
        yield engine
    finally:
        await engine.close()


def edited(policy: Path) -> PolicySource:
    """The library as it is after an edit."""
    (policy / "main.rego").write_text((policy / "main.rego").read_text() + "\n# edited\n")
    return load_source(policy)


async def test_it_decides_once_the_opa_has_pulled_and_no_longer_when_it_is_closed(
    pulling: Pulling, policy: Path, document: Document
) -> None:
    source = load_source(policy)
    async with asking(pulling, grace=0, seconds=1.0) as engine:
        with pytest.raises(PolicyUnavailable, match="is not running"):
            await engine.decide(document())
        await engine.start(source)
        with pytest.raises(PolicyUnavailable):
            await engine.decide(document())
        assert not engine.ready
        pulling.serve(build_bundle(source, pulling.key))
        await until(lambda: engine.ready and not engine.pulled.error)
        assert engine.pulled.revision == source.revision
    assert not engine.ready
    with pytest.raises(PolicyUnavailable):
        await engine.decide(document())


async def test_the_former_policy_decides_until_the_new_one_is_pulled(
    pulling: Pulling, policy: Path, document: Document
) -> None:
    old = load_source(policy)
    pulling.serve(build_bundle(old, pulling.key))
    async with asking(pulling, grace=600) as engine:
        await engine.start(old)
        await until(lambda: engine.ready)
        new = edited(policy)
        await engine.start(new)
        assert (await engine.decide(document())).revision == old.revision
        pulling.serve(build_bundle(new, pulling.key))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await engine.decide(document())).revision != new.revision:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_without_grace_the_former_policy_decides_no_more(
    pulling: Pulling, policy: Path, document: Document
) -> None:
    old = load_source(policy)
    pulling.serve(build_bundle(old, pulling.key))
    async with asking(pulling, grace=0, seconds=2.0) as engine:
        await engine.start(old)
        await until(lambda: engine.ready)
        await engine.start(edited(policy))
        with pytest.raises(PolicyUnavailable):
            await engine.decide(document())


async def test_what_cannot_be_loaded_here_is_not_expected_there(
    pulling: Pulling, policy: Path, document: Document
) -> None:
    old = load_source(policy)
    pulling.serve(build_bundle(old, pulling.key))
    async with asking(pulling, grace=0) as engine:
        await engine.start(old)
        await until(lambda: engine.ready)
        (policy / "main.rego").write_text("package regate\n\ndecision := nowhere\n")
        with pytest.raises(ConfigError, match=r"main\.rego:3"):
            await engine.start(load_source(policy))
        assert (await engine.decide(document())).revision == old.revision
