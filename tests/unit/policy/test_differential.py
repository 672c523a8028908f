"""The two engines say the same: on the policy's own cases and on inputs that nobody thought of."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.rego_tests import documents
from gateway.contract.decision import Decision, parse_decision
from gateway.errors import PolicyError
from gateway.policy import PolicyEngine, load_source
from gateway.policy.engine.embedded import Embedded
from gateway.policy.engine.sidecar import Sidecar
from tests.support.effort import examples
from tests.unit.policy.conftest import LIBRARY, LOG, request_document

TESTS = LIBRARY.parents[1] / "policy_tests"


class Pair:
    """Both engines with the same policy, asked from synchronous tests."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sidecar: PolicyEngine, embedded: PolicyEngine
    ) -> None:
        self._loop = loop
        self._engines = (sidecar, embedded)

    def decide(self, documents: Sequence[dict[str, Any]]) -> list[tuple[Decision | str, Decision | str]]:
        """What each engine says of each document; the two work at once."""
        return self._loop.run_until_complete(self._ask(documents))

    async def _ask(self, documents: Sequence[dict[str, Any]]) -> list[tuple[Decision | str, Decision | str]]:
        asked = [_outcome(engine, each) for engine in self._engines for each in documents]
        said = await asyncio.gather(*asked)
        return list(zip(said[: len(documents)], said[len(documents) :], strict=True))


async def _outcome(engine: PolicyEngine, document: dict[str, Any]) -> Decision | str:
    try:
        return await engine.decide(document)
    except PolicyError:
        return "policy error"


@pytest.fixture(scope="module")
def pair(opa: Path) -> Iterator[Pair]:
    pytest.importorskip("regorus", reason="the embedded engine is not installed")
    loop = asyncio.new_event_loop()
    sidecar, embedded = Sidecar(opa, 30.0, LOG), Embedded(30.0, LOG)
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
        [opa, "test", "--format=json", "--timeout=60s", LIBRARY, TESTS],
        capture_output=True,
        text=True,
        check=False,
    )
    by_opa = {f"{test['package']}.{test['name']}" for test in json.loads(run.stdout) if not test.get("fail")}
    assert run.returncode == 0
    assert {outcome.name for outcome in by_regorus.outcomes} == by_opa
    assert by_regorus.passed, by_regorus.lines()


CASES = """package policy_tests.differential

import data.policy_tests.cases

decisions[name] := decision if {
	some topic, titles in data.cases
	some title, case in titles
	name := concat(": ", [topic, title])
	settings := object.union(data.settings, object.get(case, "settings", {}))
	decision := data.regate.decision with input as cases._input(case) with data.settings as settings
}
"""


def test_every_case_is_decided_equally(opa: Path, tmp_path: Path) -> None:
    """The whole decision, under the case's own settings, not only what the case expects of it."""
    regorus = pytest.importorskip("regorus", reason="the embedded engine is not installed")
    query, module = "data.policy_tests.differential.decisions", tmp_path / "differential.rego"
    module.write_text(CASES)
    command = [opa, "eval", "--format=raw", "--data", LIBRARY, "--data", TESTS, "--data", module, query]
    by_opa = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    source, engine = load_source(LIBRARY), regorus.Engine()
    tests = {str(path): path.read_text("utf-8") for path in TESTS.glob("*.rego")}
    for name, text in {**source.modules, **tests, "differential.rego": CASES}.items():
        engine.add_policy(name, text)
    for data in (source.data, *documents(TESTS)):
        engine.add_data_json(json.dumps(data))
    engine.set_input_json("{}")
    by_regorus = json.loads(engine.eval_rule_as_json(query))

    assert len(by_opa) == sum(len(titles) for data in documents(TESTS) for titles in data["cases"].values())
    assert by_opa.keys() == by_regorus.keys()
    for name, decision in by_opa.items():
        assert parse_decision(decision, "r") == parse_decision(by_regorus[name], "r"), name


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
        "attributes": st.fixed_dictionaries(
            {
                **dict.fromkeys(
                    ("domains", "outside", "countries", "issuers"),
                    st.lists(st.sampled_from(["", "acme.example", "DE", "visa"]), max_size=2),
                ),
                **dict.fromkeys(("internal", "more"), st.booleans()),
            }
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
        "origins": st.lists(
            st.fixed_dictionaries(
                {
                    "pointer": st.sampled_from(["", "/command", "/x/0"]),
                    "from": st.lists(
                        st.fixed_dictionaries({"role": TEXT, "kind": TEXT, "tool": TEXT}), max_size=2
                    ),
                }
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
        "provider_labels": st.dictionaries(st.sampled_from(["region", "tier"]), TEXT, max_size=2),
        "tools": st.lists(
            st.fixed_dictionaries({"name": TEXT, "description": TEXT, "schema_digest": TEXT, "hosted": TEXT}),
            max_size=2,
        ),
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
AGENT = st.fixed_dictionaries(
    {"id": st.sampled_from(["", "bot", "bot", "bot"]), "groups": st.lists(TEXT, max_size=2)}
)
BATCH = 50  # documents of one example
QUIET = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def some(strategy: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=count, max_size=count)


def combined(changes: list[dict[str, Any]], agents: list[dict[str, Any]], dice: Random) -> list[Any]:
    """Documents that combine what a few draws gave: to draw each one whole would take ten times as long."""
    keys = sorted(set().union(*changes))
    made = []
    for number in range(BATCH):
        document = {**request_document(), **changes[number % len(changes)]}
        for key in dice.sample(keys, k=dice.randint(0, len(keys))):
            document[key] = dice.choice([each for each in changes if key in each])[key]
        document["agent"] = {**document["agent"], **dice.choice(agents)}
        made.append(document)
    return made


@pytest.mark.timeout(300)
@settings(max_examples=examples(10_000 // BATCH, 5), **QUIET)
@given(changes=some(CHANGES, 4), agents=some(AGENT, 2), seed=st.integers(0, 2**32))
def test_generated_inputs_decide_equally(
    pair: Pair, changes: list[dict[str, Any]], agents: list[dict[str, Any]], seed: int
) -> None:
    made = combined(changes, agents, Random(seed))
    for document, (sidecar, embedded) in zip(made, pair.decide(made), strict=True):
        assert sidecar == embedded, document
        assert isinstance(sidecar, Decision), document


@pytest.mark.timeout(300)
@settings(max_examples=examples(2_000 // BATCH), **QUIET)
@given(changes=some(CHANGES, 4), agents=some(AGENT, 2), values=some(JSON, 4), seed=st.integers(0, 2**32))
def test_mutilated_inputs_are_decided_equally(
    pair: Pair, changes: list[dict[str, Any]], agents: list[dict[str, Any]], values: list[Any], seed: int
) -> None:
    dice = Random(seed)
    made = combined(changes, agents, dice)
    for document in made:
        for key in dice.sample(sorted(document), k=dice.randint(1, 2)):
            if dice.random() < 0.5:
                document.pop(key)
            else:
                document[key] = dice.choice(values)
    for document, (sidecar, embedded) in zip(made, pair.decide(made), strict=True):
        assert sidecar == embedded, document
