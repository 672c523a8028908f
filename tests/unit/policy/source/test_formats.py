"""A value that has a syntax is refused at load, with file, line and key, when an engine could not read it."""

from __future__ import annotations

import importlib
import json
import random
import shutil
import subprocess
import unicodedata
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.contract import schema_of
from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.engine import embedded_available
from gateway.policy.source.formats import FORMATS
from gateway.words import counted_name
from tests.unit.policy.conftest import LIBRARY

GLOBS = ["[", "[]", "[!]", "[z-a]", "[a-z0-9]", "[^a]", "{", "}", "{a", "a}", "{a,}", "{}", "a\\", "[Z-a]"]
NOT_TOOLS = ["a[.-]", "x[_]*", "{a,_}"]
NO_DATES = ["tomorrow", "2027-03-31", "2027-13-01T00:00:00Z", "2027-03-31 00:00:00Z", "1600-01-01T00:00:00Z"]
NO_COMMANDS = ["", "rm  -r", "rm -*", "rm -**", "a[b", "rm -r|-f*", "rm (", " rm", "rm "]
WAIVER = {
    "rule": "access.*",
    "reason": "r",
    "ticket": "T",
    "approved_by": "dana",
    "until": "2027-03-31T00:00:00Z",
}
# Each setting with a syntax: where its value stands, and values that are none.
BAD: list[tuple[str, Any, str, list[str]]] = [
    ("groups", {"default": {"models": ["*"]}}, "groups/default/models/0", GLOBS),
    ("groups", {"default": {"providers": ["*"]}}, "groups/default/providers/0", GLOBS),
    ("groups", {"default": {"only": {"models": ["*"]}}}, "groups/default/only/models/0", GLOBS),
    ("groups", {"default": {"deny": {"tools": ["*"]}}}, "groups/default/deny/tools/0", [*GLOBS, *NOT_TOOLS]),
    ("providers", {"demo": {"models": ["*"]}}, "providers/demo/models/0", GLOBS),
    ("agents", {"bot": {"only": {"providers": ["*"]}}}, "agents/bot/only/providers/0", GLOBS),
    ("tools", {"deny": [{"name": "*"}], "approve": []}, "tools/deny/0/name", [*GLOBS, *NOT_TOOLS]),
    (
        "tools",
        {"deny": [{"name": "*", "arguments": {"to": {"matches": "*"}}}], "approve": []},
        "tools/deny/0/arguments/to/matches",
        GLOBS,
    ),
    ("tools", {"deny": [], "approve": [{"name": "*", "runs": "rm"}]}, "tools/approve/0/runs", NO_COMMANDS),
    (
        "tools",
        {"deny": [], "approve": [], "flows": [{"to": "*", "from": {"tools": ["*"]}, "action": "deny"}]},
        "tools/flows/0/from/tools/0",
        [*GLOBS, *NOT_TOOLS],
    ),
    (
        "entities",
        {"US_SSN": {"request": {"action": "mask", "restore": True, "restore_to": ["text"]}}},
        "entities/US_SSN/request/restore_to/0",
        ["texts", "tool", "send..to", "send[mail"],
    ),
    ("restore_tools", ["*"], "restore_tools/0", [*GLOBS, *NOT_TOOLS]),
    ("endpoints", {"dialects": [], "model_lists": ["*"]}, "endpoints/model_lists/0", GLOBS),
    (
        "endpoints",
        {"dialects": [], "model_lists": [], "binary_bodies": ["*"]},
        "endpoints/binary_bodies/0",
        GLOBS,
    ),
    ("waivers", [WAIVER], "waivers/0/rule", GLOBS),
    ("waivers", [{**WAIVER, "agent": "*"}], "waivers/0/agent", GLOBS),
    ("waivers", [WAIVER], "waivers/0/until", NO_DATES),
]
# Formats that a topic of one's own may ask for.
TOPIC_FORMATS = {
    "glob": (["gpt-4*", "[a-z]?", "{a,b}", r"\["], GLOBS),
    "tool-glob": (["send_*mail"], [*GLOBS, *NOT_TOOLS]),
    "destination": (
        ["text", "tools", "send_*.address", "search[.]web", "[a-z]*"],
        ["texts", "tool", "Text", "", "send..address", "send.", "send[mail", " send"],
    ),
    "regex": ([r"^gpt-\d+$", "a{1,3}"], ["(", "(?=a)", "a**b", r"\C", "[", r"(?<n>"]),
    "cidr": (["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::1%eth0/64", "10/8"]),
    "duration": (["90s", "1h30m", "0", "1.5h"], ["7d", "90", "1h 30m", "", "forever"]),
    "person": (["Ana Müller", "kim"], ["Ana  F", " ana", "straße", "İpek", "ＡNA"]),
    "date": (["2027-03-31"], ["2027-02-30", "31.3.2027"]),
    "date-time": (["2027-03-31T00:00:00Z"], NO_DATES),
    "ipv4": (["10.0.0.1"], ["10.0.0.256", "10.0.0.0/8"]),
    "ipv6": (["::1"], ["::g"]),
    "email": (["dana@example.com"], ["dana"]),
}


def test_every_bad_value_of_the_settings_is_refused_with_file_line_and_key(tmp_path: Path) -> None:
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    file = folder / "settings/data.yaml"
    shipped = yaml.safe_load(file.read_text())
    for key, good, path, values in BAD:
        file.write_text(json.dumps({**shipped, key: good}))
        load_source(folder)
        for value in values:
            document = json.loads(json.dumps({**shipped, key: good}))
            _put(document, path.split("/"), value)
            file.write_text(yaml.safe_dump(document, sort_keys=False))
            with pytest.raises(ConfigError) as refused:
                load_source(folder)
            said = str(refused.value)
            assert said.startswith(f"{file}:"), (path, value, said)
            assert f"settings.{path.replace('/', '.')}: " in said, (path, value, said)
            assert "expected" in said or "does not match" in said, (path, value, said)


def test_a_name_that_budgets_count_otherwise_is_refused(tmp_path: Path) -> None:
    """Its budget would hold for no person."""
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    shipped = yaml.safe_load((folder / "settings/data.yaml").read_text())
    spent = {"budgets": {"requests_1d": 0}}
    for name, is_one in (("Ana Müller", True), ("Ana  Müller", False)):
        (folder / "settings/data.yaml").write_text(json.dumps({**shipped, "people": {name: spent}}))
        with (
            nullcontext() if is_one else pytest.raises(ConfigError, match=r"settings\.people: found 'Ana  M")
        ):
            load_source(folder)


def test_every_setting_with_a_syntax_has_bad_values_in_the_table() -> None:
    """A format that is new in the schema needs a row above."""
    in_schema = {kind for _, kind in _formats(schema_of("settings"), ())}
    assert in_schema == {"glob", "tool-glob", "date-time", "person", "destination"}
    assert in_schema <= FORMATS.checkers.keys()


def test_every_format_of_a_topic_has_values_in_the_table() -> None:
    assert FORMATS.checkers.keys() == TOPIC_FORMATS.keys()


@pytest.mark.parametrize("name", TOPIC_FORMATS)
def test_a_format_takes_what_engines_take(name: str) -> None:
    good, bad = TOPIC_FORMATS[name]
    assert [each for each in good if not FORMATS.conforms(each, name)] == []
    assert [each for each in bad if FORMATS.conforms(each, name)] == []
    assert FORMATS.conforms(7, name)  # its type is another matter


@pytest.mark.skipif(not embedded_available(), reason="both engines are compared")
def test_both_engines_read_every_glob_that_is_accepted_alike(opa: Path) -> None:
    chance = random.Random(20261128)
    drawn = {"".join(chance.choices("ab-[]{},!^\\*?.Z", k=chance.randint(1, 8))) for _ in range(20_000)}
    accepted = sorted(each for each in drawn if FORMATS.conforms(each, "glob"))
    assert len(accepted) > 1_000
    subjects = ["a", "", "b", "[", "]", "-", "!", "^", "ab", "a,b", "Z", "a.b", "\\", "{", "*"]
    query = "{p: r | some p in input.p; r := [x | some s in input.s; x := glob.match(p, null, s)]}"
    _both_engines(opa, query, {"p": accepted, "s": subjects})


@pytest.mark.skipif(not embedded_available(), reason="both engines are compared")
def test_both_engines_compare_every_name_that_is_accepted_as_budgets_count_it(opa: Path) -> None:
    letters = (chr(point) for point in range(32, 0x20000) if not 0xD800 <= point < 0xE000)
    names = [f"Ana {each}." for each in letters if unicodedata.category(each) in ("Lu", "Ll", "Lt", "Lm")]
    accepted = [name for name in names if FORMATS.conforms(name, "person")]
    assert len(names) > len(accepted) > 1_000
    small = _both_engines(opa, "[lower(name) | some name in input]", accepted)
    assert small == [counted_name(name) for name in accepted]


def _both_engines(opa: Path, query: str, document: Any) -> Any:
    asked = json.dumps(document)
    run = subprocess.run(
        [opa, "eval", "--strict-builtin-errors", "--stdin-input", "--format=json", query],
        input=asked.encode(),
        capture_output=True,
    )
    told = json.loads(run.stdout)
    assert "errors" not in told, told
    engine = importlib.import_module("regorus").Engine()
    engine.set_input_json(asked)
    embedded = json.loads(engine.eval_query_as_json(query))["result"][0]["expressions"][0]["value"]
    assert told["result"][0]["expressions"][0]["value"] == embedded
    return embedded


def _put(document: Any, steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        document = document[int(step) if isinstance(document, list) else step]
    last = steps[-1]
    document[int(last) if isinstance(document, list) else last] = value


def _formats(schema: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(schema, list):
        return [each for inner in schema for each in _formats(inner, path)]
    if not isinstance(schema, dict):
        return []
    own = [(path, schema["format"])] if isinstance(schema.get("format"), str) else []
    return own + [each for name, inner in schema.items() for each in _formats(inner, (*path, name))]
