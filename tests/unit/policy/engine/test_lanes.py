"""Lanes decide about recorded inputs by either engine, and leave no process behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.decision import Decision
from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.engine.lanes import Engine, Failed, Lane, open_lanes
from tests.support.processes import below, of_this_test

Document = Callable[..., dict[str, Any]]

POLICY = """package regate

default decision := {"action": "allow"}

decision := {"action": "deny"} if input.model == "deny"

decision := {"action": "deny"} if {
	input.model == "late"
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	(a * b) * c == -1
}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "main.rego").write_text(POLICY)
    return tmp_path


def said(outcome: Decision | Failed) -> str:
    return outcome.action if isinstance(outcome, Decision) else type(outcome).__name__


async def by(lane: Lane, documents: list[dict[str, Any]]) -> list[str]:
    return [said(outcome) async for outcome in lane.decide_each(documents)]


@pytest.mark.parametrize("engine", ["embedded", "sidecar"])
async def test_all_lanes_decide_alike_and_a_late_input_fails_by_itself(
    engine: Engine, policy: Path, document: Document, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("opa")
    before = list(below(os.getpid()))
    documents = [{**document(), "model": model} for model in ("a", "deny", "late", "deny", "b")]
    async with open_lanes(load_source(policy), engine, cores=2, timeout_seconds=2.0) as (chosen, lanes):
        assert chosen == engine
        found = await asyncio.gather(*(by(lane, documents) for lane in lanes[:2]))
    assert found == [["allow", "deny", "PolicyUnavailable", "deny", "allow"]] * 2
    assert of_this_test(before) == set()


@pytest.mark.parametrize("engine", ["embedded", "sidecar"])
async def test_a_broken_policy_opens_no_lanes(
    engine: Engine, policy: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("opa")
    (policy / "main.rego").write_text('package regate\n\ndecision := {"action": x}\n')
    with pytest.raises(ConfigError, match=rf"{policy}/main\.rego:3"):
        async with open_lanes(load_source(policy), engine, cores=1, timeout_seconds=60.0):
            pytest.fail("they were opened")


async def test_without_an_opa_there_are_no_lanes_of_one(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGATE_OPA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="make setup"):
        async with open_lanes(load_source(policy), "sidecar", cores=1, timeout_seconds=60.0):
            pytest.fail("they were opened")
