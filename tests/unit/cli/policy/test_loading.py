"""The policy in its engine for one moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.policy.folders import configured
from cli.policy.loading import load
from gateway.errors import ConfigError
from tests.support.processes import below, of_this_test
from tests.unit.policy.conftest import request_document


async def test_the_engine_answers_a_question_and_ends(machine: str) -> None:
    """No process is left behind."""
    before = tuple(below(os.getpid()))
    decision = await load(configured(None), request_document())
    assert decision is not None
    assert decision.action == "allow"
    assert of_this_test(before) == set()


async def test_without_a_question_the_policy_is_loaded_alone(machine: str) -> None:
    assert await load(configured(None)) is None


async def test_a_policy_that_does_not_load_is_refused_and_its_engine_ends(machine: str, policy: Path) -> None:
    (policy / "main.rego").write_text("package regate\n\ndecision := {\n")
    before = tuple(below(os.getpid()))
    with pytest.raises(ConfigError, match=r"main\.rego"):
        await load(configured(policy))
    assert of_this_test(before) == set()
