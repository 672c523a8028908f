"""Engines for the tests: the real OPA where there is one, and the real regorus."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.contract.input import InputFacts, build_input
from gateway.policy import PolicyEngine
from gateway.policy.engine.embedded import Embedded
from gateway.policy.engine.sidecar import Sidecar
from gateway.words import (
    Agent,
    ApprovalFacts,
    FindingRow,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    UsageFacts,
)

LIBRARY = Path(__file__).parents[3] / "policies" / "rego"
TESTS = LIBRARY.parents[1] / "policy_tests"
LOG = logging.getLogger("test.policy")


@pytest.fixture(params=["sidecar", "embedded"])
def new_engine(request: pytest.FixtureRequest) -> Callable[[float], PolicyEngine]:
    """Makes an engine with a time-out; each test runs with both."""
    if request.param == "embedded":
        pytest.importorskip("regorus", reason="the embedded engine is not installed")
        return lambda seconds: Embedded(seconds, LOG)
    path: Path = request.getfixturevalue("opa")
    return lambda seconds: Sidecar(path, seconds, LOG)


@pytest_asyncio.fixture
async def engine(new_engine: Callable[[float], PolicyEngine]) -> AsyncIterator[PolicyEngine]:
    """An engine that has not been started."""
    engine = new_engine(5.0)
    yield engine
    await engine.close()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A copy of the library to edit."""
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    return folder


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """Builds the input of a harmless prompt; keywords change it."""
    return request_document


def request_document(*, rows: tuple[FindingRow, ...] = (), **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "phase": "request",
        "time": datetime(2026, 11, 22, 8, tzinfo=UTC),
        "exchange_id": "x1",
        "session_id": "s1",
        "agent": Agent(id="bot", owner="dana", method="api_key"),
        "source": Source("127.0.0.1", "test"),
        "provider": "openai",
        "dialect": "openai.chat",
        "method": "POST",
        "path": "/v1/chat/completions",
        "prompt": Prompt(model="gpt-4.1"),
        "models": ("gpt-4.1",),
        "parts": (),
        "rows": rows,
        "tool_calls": (),
        "session": SessionFacts(),
        "usage": UsageFacts(),
        "approval": ApprovalFacts(),
        "response": ResponseFacts(),
    }
    return build_input(InputFacts(**{**values, **changes}))
