"""Each example of the guide loads over the shipped policy, its cases pass, and the guide shows its files."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import rego_tests
from cli.policy.cases import Case, case_faults
from gateway.policy import PolicySource
from gateway.policy.source.source import source_of
from tests.unit.policy.conftest import LIBRARY, TESTS

GUIDE = LIBRARY.parents[1] / "docs/guides/twelve-policies.md"
EXAMPLES = sorted(path for path in GUIDE.with_suffix("").iterdir() if path.is_dir())
LIBRARY_FILES = {
    path.relative_to(LIBRARY).as_posix(): path.read_text()
    for path in sorted([*LIBRARY.rglob("*.rego"), *LIBRARY.rglob("data.yaml")])
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_its_cases_pass(example: Path) -> None:
    source = overlaid(example)
    text = (example / "cases.yaml").read_text()
    cases = yaml.safe_load(text)
    assert cases.keys() == {example.name}
    written = [
        Case(example, 1, example.name, title, case, text) for title, case in cases[example.name].items()
    ]
    assert [str(fault) for fault in case_faults(written, source)] == []

    engine = importlib.import_module("regorus").Engine()
    harness = {name: (TESTS / name).read_text() for name in ("fixtures.rego", "cases_test.rego")}
    for name, module in {**source.modules, **harness}.items():
        engine.add_policy(name, module)
    engine.add_data_json(source.data_json.decode())
    engine.add_data_json(json.dumps({"cases": cases}))
    engine.set_input_json("{}")
    passes = json.loads(engine.eval_rule_as_json("data.policy_tests.cases.passes"))
    assert passes == {case.name: True for case in written}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_guide_shows_what_the_files_say(example: Path) -> None:
    guide = GUIDE.read_text()
    assert f"(twelve-policies/{example.name})" in guide
    for path in sorted([*example.rglob("settings.yaml"), *example.rglob("data.yaml")]):
        assert path.read_text().strip() in guide, path


def overlaid(example: Path) -> PolicySource:
    """The shipped policy with the example's files beside it, and its settings merged over the shared ones."""
    files = dict(LIBRARY_FILES)
    for path in sorted([*example.rglob("*.rego"), *example.rglob("data.yaml")]):
        files[path.relative_to(example).as_posix()] = path.read_text()
    changes = example / "settings.yaml"
    if changes.exists():
        shared = yaml.safe_load(files["settings/data.yaml"])
        merged = _merged(shared, rego_tests.read_document(changes))
        files["settings/data.yaml"] = json.dumps(merged)
    return source_of(LIBRARY, files, "r")


def _merged(shared: Any, changes: Any) -> Any:
    if not (isinstance(shared, Mapping) and isinstance(changes, Mapping)):
        return changes
    return {**shared, **{name: _merged(shared.get(name), value) for name, value in changes.items()}}
