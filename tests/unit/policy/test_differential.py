"""The two engines say the same: on the policy's own cases and on inputs that nobody thought of."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.decision import Decision
from gateway.errors import PolicyError
from gateway.policy import PolicyEngine, load_source
from gateway.policy.embedded import Embedded
from gateway.policy.sidecar import Sidecar
from tests.unit.policy.conftest import LIBRARY, LOG, request_document

TESTS = LIBRARY.parents[1] / "policy_tests"


class Pair:
    """Both engines with the same policy, asked from synchronous tests."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sidecar: PolicyEngine, embedded: PolicyEngine
    ) -> None:
        self._loop = loop
        self._engines = (sidecar, embedded)

    def decide(self, document: dict[str, Any]) -> tuple[Decision | str, Decision | str]:
        sidecar, embedded = (self._loop.run_until_complete(_outcome(e, document)) for e in self._engines)
        return sidecar, embedded


async def _outcome(engine: PolicyEngine, document: dict[str, Any]) -> Decision | str:
    try:
        return await engine.decide(document)
    except PolicyError:
        return "policy error"


@pytest.fixture(scope="module")
def pair(opa: Path) -> Iterator[Pair]:
    pytest.importorskip("regorus", reason="the embedded engine is not installed")
    loop = asyncio.new_event_loop()
    sidecar, embedded = Sidecar(opa, 5.0, LOG), Embedded(5.0, LOG)
    try:
        for engine in (sidecar, embedded):
            loop.run_until_complete(engine.start(load_source(LIBRARY)))
        yield Pair(loop, sidecar, embedded)
    finally:
        for engine in (sidecar, embedded):
            loop.run_until_complete(engine.close())
        loop.close()


def test_the_policys_own_tests_pass_on_both_engines(opa: Path) -> None:
    from cli.rego_tests import run_tests

    by_regorus = run_tests(load_source(LIBRARY), TESTS)
    run = subprocess.run(
        [opa, "test", "--format=json", LIBRARY, TESTS], capture_output=True, text=True, check=False
    )
    by_opa = {f"{test['package']}.{test['name']}" for test in json.loads(run.stdout) if not test.get("fail")}
    assert run.returncode == 0
    assert {outcome.name for outcome in by_regorus.outcomes} == by_opa
    assert by_regorus.passed, by_regorus.lines()


def test_the_fixtures_decide_equally(opa: Path, pair: Pair) -> None:
    """The documents of policy_tests, as OPA builds them."""
    names = re.findall(r"^(\w+) :=", (TESTS / "fixtures.rego").read_text(), re.MULTILINE)
    for name in names:
        query = f"data.policy_tests.fixtures.{name}"
        run = subprocess.run(
            [opa, "eval", "--format=raw", "--data", TESTS, query], capture_output=True, check=True
        )
        sidecar, embedded = pair.decide(json.loads(run.stdout))
        assert sidecar == embedded
        assert isinstance(sidecar, Decision)


ENTITIES = [
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "API_KEY",
    "PRIVATE_KEY",
    "PROMPT_INJECTION",
    "UNPARSEABLE_ARGUMENTS",
    "X",
]
TEXT = st.text(max_size=12) | st.sampled_from(
    ["drop_database", "delete_user", "bash", "rm -rf /", "*", "[a", "Ünï"]
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
ROW = st.fixed_dictionaries(
    {
        "entity": st.sampled_from(ENTITIES),
        "category": st.sampled_from(["pii", "secret", "code", "custom", "injection", "unheard-of"]),
        "count": st.integers(1, 60),
        "distinct": st.integers(1, 60),
        "new": st.integers(0, 60),
        "max_score": st.floats(0, 1),
        "roles": st.lists(
            st.sampled_from(["", "user", "assistant", "system", "tool"]), max_size=3, unique=True
        ),
        "kinds": st.lists(
            st.sampled_from(["text", "system", "tool_result", "tool_definition", "field"]),
            max_size=3,
            unique=True,
        ),
    }
)
CALL = st.fixed_dictionaries(
    {
        "name": TEXT,
        "arguments": st.dictionaries(st.sampled_from(["command", "amount", "x"]) | TEXT, JSON, max_size=3),
        "restores": st.lists(
            st.fixed_dictionaries(
                {"entity": st.sampled_from(ENTITIES), "category": st.sampled_from(["pii", "secret"])}
            ),
            max_size=2,
        ),
    }
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["request", "response"]) | TEXT,
        "provider": TEXT,
        "dialect": st.sampled_from(["openai.chat", "anthropic.messages", "none", "json", "opaque"]),
        "method": st.sampled_from(["GET", "HEAD", "POST"]),
        "path": st.sampled_from(["/v1/models", "/v1/models/x", "/v1/chat/completions"]) | TEXT,
        "model": TEXT,
        "findings": st.lists(ROW, max_size=4),
        "tool_calls": st.lists(CALL, max_size=2),
        "approval": st.fixed_dictionaries(
            {
                "id": TEXT,
                "status": st.sampled_from(["", "pending", "approved", "denied"]),
                "approvers": st.lists(TEXT, max_size=1),
                "note": TEXT,
            }
        ),
    },
)
QUIET = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=200, **QUIET)
@given(changes=CHANGES, agent=st.sampled_from(["", "bot"]), groups=st.lists(TEXT, max_size=2))
def test_generated_inputs_decide_equally(
    pair: Pair, changes: dict[str, Any], agent: str, groups: list[str]
) -> None:
    document = {**request_document(), **changes}
    document["agent"] = {**document["agent"], "id": agent, "groups": groups}
    sidecar, embedded = pair.decide(document)
    assert sidecar == embedded
    assert isinstance(sidecar, Decision)


@settings(max_examples=100, **QUIET)
@given(data=st.data())
def test_mutilated_inputs_are_never_decided_more_weakly_by_the_embedded_engine(
    pair: Pair, data: st.DataObject
) -> None:
    document = {**request_document(), **data.draw(CHANGES)}
    for key in data.draw(st.lists(st.sampled_from(sorted(document)), min_size=1, max_size=2, unique=True)):
        if data.draw(st.booleans()):
            document.pop(key)
        else:
            document[key] = data.draw(JSON)
    sidecar, embedded = pair.decide(document)
    if isinstance(sidecar, Decision) and isinstance(embedded, Decision):
        order = ["allow", "mask", "require_approval", "deny"]
        assert order.index(embedded.action) >= order.index(sidecar.action)
        assert {mask.entity for mask in embedded.mask} >= {mask.entity for mask in sidecar.mask}
    elif isinstance(embedded, Decision):
        assert embedded.action == "deny"
