"""The schemas say what Python says: of the input, of the decision, and of the settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from gateway.contract.decision import parse_decision
from gateway.contract.input import InputFacts, build_input
from gateway.dialects.registry import DIALECTS
from gateway.errors import PolicyError
from gateway.policy import load_source
from gateway.words import (
    Agent,
    ApprovalFacts,
    Attachment,
    CallOrigin,
    Category,
    Consent,
    Delegate,
    FindingRow,
    InspectedPart,
    JudgedCall,
    Kind,
    Met,
    Parameters,
    Part,
    PartOrigin,
    PartPlace,
    Phase,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    Tool,
    ToolCall,
    UsageFacts,
    Used,
    Window,
)
from tests.support.effort import examples
from tests.unit.policy.conftest import LIBRARY

SCHEMAS = Path(str(files("gateway.contract") / "schemas"))


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def validator(name: str) -> Draft7Validator:
    Draft7Validator.check_schema(schema(name))
    return Draft7Validator(schema(name))


TEXT = st.text(max_size=6)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
COUNT = st.integers(0, 2**40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=2)


def words(literal: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(literal))


PART = st.builds(Part, TEXT, words(Kind), TEXT, TEXT, words(PartPlace))
SOURCES = st.lists(st.builds(PartOrigin, TEXT, words(Kind), TEXT), max_size=2).map(tuple)
USED = st.dictionaries(words(Window), st.builds(Used, COUNT, COUNT, COUNT, COUNT), max_size=2)
CONSENTS = st.lists(st.builds(Consent, TEXT, TEXTS), max_size=1).map(tuple)
MET = st.lists(st.builds(Met, TEXTS, st.integers(1, 9), TEXTS), max_size=1).map(tuple)
INPUTS = st.fixed_dictionaries(
    {
        "phase": words(Phase),
        "time": st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)),
        "exchange_id": TEXT,
        "session_id": TEXT,
        "agent": st.builds(Agent, TEXT, TEXT, st.sampled_from(["api_key", "oidc"]), TEXTS, OBJECT, TEXT),
        "source": st.builds(Source, TEXT, TEXT),
        "provider": TEXT,
        "dialect": st.sampled_from([dialect.name for dialect in DIALECTS]),
        "method": TEXT,
        "path": TEXT,
        "prompt": st.builds(
            Prompt,
            attachments=st.lists(st.builds(Attachment, TEXT, TEXT, COUNT), max_size=2).map(tuple),
            unseen=st.lists(TEXT, max_size=2).map(tuple),
            tools=st.lists(st.builds(Tool, TEXT, TEXT), max_size=2).map(tuple),
            model=TEXT,
            stream=st.booleans(),
            parameters=st.builds(
                Parameters, st.integers(-1, 9), st.floats(-1, 2) | st.integers(-1, 2), st.integers(1, 9)
            ),
        ),
        "models": TEXTS,
        "parts": st.lists(st.builds(InspectedPart, PART, TEXT, st.booleans(), st.just(()), TEXT), max_size=2),
        "rows": st.lists(
            st.builds(
                FindingRow,
                TEXT,
                words(Category),
                COUNT,
                COUNT,
                COUNT,
                st.floats(0, 1),
                TEXTS,
                st.lists(words(Kind), max_size=2).map(tuple),
            ),
            max_size=2,
        ),
        "tool_calls": st.lists(
            st.builds(
                JudgedCall,
                st.builds(ToolCall, TEXT, st.none() | OBJECT, TEXTS),
                st.lists(st.tuples(TEXT, words(Category)), max_size=2).map(tuple),
                st.lists(st.builds(CallOrigin, TEXT, SOURCES), max_size=2).map(tuple),
            ),
            max_size=2,
        ),
        "session": st.builds(SessionFacts, COUNT, COUNT, COUNT, COUNT, COUNT, TEXTS),
        "usage": st.builds(UsageFacts, USED, USED, USED),
        "approval": st.builds(
            ApprovalFacts, TEXT, TEXT, TEXTS, TEXTS, st.integers(-1, 9), TEXT, TEXT, CONSENTS, MET
        ),
        "response": st.builds(ResponseFacts, st.integers(-1, 599), TEXT),
    }
)

INPUT = validator("input")


@given(values=INPUTS)
@settings(deadline=None)
def test_every_input_that_python_builds_is_valid(values: dict[str, Any]) -> None:
    INPUT.validate(build_input(InputFacts(**values)))


ORIGIN = CallOrigin("/to", (PartOrigin("tool", "tool_result", "fetch"),))
FULL: dict[str, Any] = {
    "phase": "response",
    "time": datetime(2026, 11, 22, tzinfo=UTC),
    "exchange_id": "x",
    "session_id": "s",
    "agent": Agent("bot", "dana", "api_key", delegation=(Delegate("eve", "", "asserted"),)),
    "source": Source("", ""),
    "provider": "openai",
    "dialect": "openai.chat",
    "method": "POST",
    "path": "/",
    "prompt": Prompt(
        attachments=(Attachment("image", "image/png", 1),), tools=(Tool("t", "d"),), unseen=("file_id",)
    ),
    "models": ("m",),
    "parts": (InspectedPart(Part("user", "text", "/x", "hello"), "d", True, (), "hello"),),
    "rows": (FindingRow("E", "pii", 1, 1, 1, 0.5, ("user",), ("text",)),),
    "tool_calls": (JudgedCall(ToolCall("t", {}, ()), (("E", "pii"),), (ORIGIN,)),),
    "session": SessionFacts(),
    "usage": UsageFacts(),
    "approval": ApprovalFacts(consents=(Consent("ann", ("ops",)),), all_of=(Met(("ops",), 1, ("ann",)),)),
    "response": ResponseFacts(),
}


def test_every_key_of_the_schema_is_in_the_input_and_none_besides() -> None:
    """A key that Python no longer makes must leave the schema, for rules are checked by it."""
    assert sorted(_keys(schema("input"))) == sorted(_paths(build_input(InputFacts(**FULL))))


def _keys(node: dict[str, Any], path: str = "") -> list[str]:
    if node["type"] == "array":
        return _keys(node["items"], path + "[]")
    if "properties" not in node:
        return [path]
    assert node["additionalProperties"] is False
    assert sorted(node["required"]) == sorted(node["properties"])
    return [key for name, inner in node["properties"].items() for key in _keys(inner, f"{path}.{name}")]


def _paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, list):
        return _paths(value[0], path + "[]") if value else [path + "[]"]
    if isinstance(value, dict) and value:
        return [each for name, inner in value.items() for each in _paths(inner, f"{path}.{name}")]
    return [path]


@pytest.mark.parametrize("key", list(build_input(InputFacts(**FULL))))
def test_an_input_without_one_of_its_keys_is_invalid(key: str) -> None:
    document = build_input(InputFacts(**FULL))
    del document[key]
    assert not INPUT.is_valid(document)


def test_null_is_invalid() -> None:
    assert not INPUT.is_valid({**build_input(InputFacts(**FULL)), "model": None})


DECISION = validator("decision")
MAYBE = st.sampled_from(["allow", "mask", "deny", "require_approval", "dney", "", None, 1, True, []])
NUMBER = st.sampled_from([-1, 0, 1, 2, 0.5, 3600, 3601, 30 * 86400, 30 * 86400 + 1, "1", None, True])
NAME = st.sampled_from(["EMAIL_ADDRESS", "x", 1, None, ["x"]])
NAMES = st.lists(NAME, max_size=2) | st.sampled_from(["x", None, {}])


def some_of(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={**keys, "unknown": st.just(1)})


ALL_OF = st.lists(some_of(groups=NAMES, count=NUMBER), max_size=9) | st.sampled_from([None, {}, "x"])
DECISIONS = some_of(
    action=MAYBE,
    reasons=st.lists(
        some_of(
            rule=NAME, title=NAME, message=NAME, severity=st.sampled_from(["low", "high", "awful", 1]),
            controls=NAMES,
        ),
        max_size=1,
    )
    | st.sampled_from([None, {}, "x"]),
    mask=st.lists(
        some_of(
            entity=NAME, operator=st.sampled_from(["placeholder", "redact", "blur", 1]),
            restore=st.sampled_from([True, False, 0, "true", None]),
        ),
        max_size=1,
    )
    | st.sampled_from([None, {}, "x"]),
    approval=some_of(groups=NAMES, quorum=NUMBER, all_of=ALL_OF, wait_seconds=NUMBER, expires_seconds=NUMBER)
    | st.sampled_from([None, [], 1]),
    record=st.sampled_from(["masked", "metadata", "full", "none", None]),
    response=st.sampled_from(["findings", "always", "never", None]),
    retry_after=NUMBER,
)  # fmt: skip

GOOD = {
    "action": "mask",
    "reasons": [{"rule": "r", "title": "t", "message": "m", "severity": "low", "controls": ["c"]}],
    "mask": [{"entity": "E", "operator": "hash", "restore": False}],
    "approval": {"groups": ["g"], "quorum": 1, "wait_seconds": 60, "expires_seconds": 900},
    "record": "full",
    "response": "always",
}


@given(document=DECISIONS | DECISIONS.map(lambda changes: {**GOOD, **changes}))
@settings(max_examples=examples(500), deadline=None)
def test_the_schema_accepts_the_decisions_that_python_accepts(document: dict[str, Any]) -> None:
    """But for an entity that is masked twice, which a schema cannot say: Python alone refuses that."""
    assert DECISION.is_valid(document) == _parses(document), document


@pytest.mark.parametrize("path", [(), ("reasons", 0), ("mask", 0), ("approval",)])
def test_the_schema_rejects_each_unknown_or_missing_key_as_python_does(path: tuple[str | int, ...]) -> None:
    for edit in ("drop", "add"):
        for key in list(_at(GOOD, path)):
            document = json.loads(json.dumps(GOOD))
            node = _at(document, path)
            if edit == "drop":
                del node[key]
            else:
                node[key + "x"] = node[key]
            assert DECISION.is_valid(document) == _parses(document), document


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _parses(document: Any) -> bool:
    try:
        parse_decision(document, "r1")
    except PolicyError:
        return False
    return True


SETTINGS = validator("settings")


def shipped() -> Any:
    return yaml.safe_load((LIBRARY / "settings" / "data.yaml").read_text())


def test_every_setting_is_described() -> None:
    for part in ("properties", "definitions"):
        for name, node in schema("settings")[part].items():
            assert node.get("description") or name in ("phases", "categories"), name


def test_the_shipped_settings_are_valid() -> None:
    SETTINGS.validate(shipped())


def test_overrides_by_group_and_provider_are_valid() -> None:
    own = {
        "entities": {"US_SSN": {"request": {"action": "deny"}}},
        "categories": {"pii": {}},
        "models": ["x"],
    }
    SETTINGS.validate({**shipped(), "providers": {"house": own}})
    SETTINGS.validate({**shipped(), "groups": {"default": {}, "lab": {**own, "budgets": {"tokens_1d": -1}}}})


@pytest.mark.parametrize(
    "change",
    [
        {"bulk": {"personal_values": "25"}},
        {"groups": {}},
        {"groups": {"default": {"budgets": {"request_1m": 1}}}},
        {"groups": {"default": {"budgets": {"cost_micros_1d": 0.5}}}},
        {"groups": {"default": {"budgets": {"cost_1d": 1}}}},
        {"groups": {"default": {"modles": ["*"]}}},
        {"endpoints": {"dialects": [], "model_lists": [], "binary_bodies": "audio/*"}},
        {"providers": {"house": {"budgets": {}}}},
        {"providers": {"house": {"models": "*"}}},
        {"entities": {"US_SSN": {"action": "deny"}}},
        {"entities": {"US_SSN": {"request": {"action": "dney"}}}},
        {"entities": {"US_SSN": {"request": {"operator": "hash"}}}},
        {"entities": {"US_SSN": {"request": {"action": "mask", "operator": "blur"}}}},
        {"categories": {"pii": {}}},
        {"tools": {"deny": [{"nmae": "x"}], "approve": []}},
        {"tools": {"deny": [{"name": "x", "arguments": {"a": {"above": "1"}}}], "approve": []}},
        {"injection": {"trusted_kinds": ["systm"], "trusted_roles": []}},
        {"record": "none"},
        {"restore_tools": "deploy"},
    ],
)
def test_a_mistake_in_the_settings_is_invalid(change: dict[str, Any]) -> None:
    assert not SETTINGS.is_valid({**shipped(), **change})


OPTIONAL = {"agents", "attributes", "labels", "log_only", "people", "waivers"}


@pytest.mark.parametrize("key", sorted(shipped().keys() - OPTIONAL))
def test_settings_without_one_of_their_keys_are_invalid(key: str) -> None:
    document = shipped()
    del document[key]
    assert not SETTINGS.is_valid(document)


def check(opa: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [opa, "check", "--strict", "--schema", SCHEMAS, folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_library_reads_the_input_as_the_schema_has_it(opa: Path) -> None:
    run = check(opa, LIBRARY)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", sorted(load_source(LIBRARY).modules))
def test_opa_finds_a_misspelt_input_field(opa: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    text = (folder / name).read_text()
    right = next(iter(re.findall(r"(?<![.\w])input\.[a-z_]+", re.sub(r"(?m)^#.*", "", text))), "")
    wrong = f"{right}x" if right else "input.modle"
    (folder / name).write_text(
        re.sub(rf"{re.escape(right)}\b", wrong, text) if right else f"{text}\n_wrong if {wrong}\n"
    )
    run = check(opa, folder)
    assert run.returncode != 0
    assert f"undefined ref: {wrong}" in run.stdout + run.stderr


def test_every_package_of_the_library_names_the_schema() -> None:
    for path in LIBRARY.rglob("*.rego"):
        assert '#   - input: schema["input.schema"]' in path.read_text(), path
