"""Every rule of the library says what it is for, which controls it serves and what to do about it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.policy import find_opa, load_source
from tests.unit.policy.conftest import LIBRARY

CONTROL = re.compile(r"(SOC2:[A-Z]+\d+\.\d+|ISO27001:A\.\d+\.\d+|GDPR:Art\.\d+|OWASP:LLM\d\d)")


@pytest.fixture(scope="module")
def annotations(opa: Path) -> list[dict[str, Any]]:
    """What `opa inspect` reads."""
    run = subprocess.run(
        [opa, "inspect", "--annotations", "--format=json", LIBRARY], capture_output=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(run.stdout)["annotations"]
    return found


def parse(path: Path) -> dict[str, Any]:
    opa = find_opa()
    assert opa is not None
    command = [opa, "parse", "--format=json", "--json-include=locations", path]
    run = subprocess.run(command, capture_output=True, check=True)
    module: dict[str, Any] = json.loads(run.stdout)
    return module


def annotated(annotations: list[dict[str, Any]], scope: str) -> dict[tuple[str, int], dict[str, Any]]:
    """Annotations by file and by the row of what they speak of."""
    return {
        (str(Path(each["location"]["file"]).relative_to(LIBRARY)), each["location"]["row"]): each[
            "annotations"
        ]
        for each in annotations
        if each["annotations"]["scope"] == scope
    }


def test_every_package_has_a_title_and_a_description(annotations: list[dict[str, Any]]) -> None:
    said = {name: about for (name, _), about in annotated(annotations, "package").items()}
    assert said.keys() == load_source(LIBRARY).modules.keys()
    for name, about in said.items():
        assert {"title", "description"} <= about.keys(), name


def test_every_public_rule_has_a_title_and_a_description(annotations: list[dict[str, Any]]) -> None:
    spoken = {**annotated(annotations, "rule"), **annotated(annotations, "document")}
    for path in LIBRARY.rglob("*.rego"):
        names: set[str] = set()
        for rule in parse(path)["rules"]:
            name = rule["head"]["ref"][0]["value"]
            place = (str(path.relative_to(LIBRARY)), rule["location"]["row"])
            if not name.startswith("_") and (name == "verdicts" or name not in names):
                assert {"title", "description"} <= spoken[place].keys(), place
            names.add(name)


def verdict_rules() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((LIBRARY / "rules").glob("*.rego")):
        for rule in parse(path)["rules"]:
            if rule["head"]["ref"][0]["value"] == "verdicts":
                yield str(path.relative_to(LIBRARY)), rule


def test_every_verdict_agrees_with_its_metadata(annotations: list[dict[str, Any]], opa: Path) -> None:
    spoken = annotated(annotations, "rule")
    for name, rule in verdict_rules():
        custom = spoken[name, rule["location"]["row"]]["custom"]
        verdict = _literal(rule["head"])
        assert verdict["severity"] == custom["severity"], (name, verdict)
        assert verdict["controls"] == custom["controls"], (name, verdict)
        assert custom["remedy"].strip(), name
        assert all(CONTROL.fullmatch(control) for control in custom["controls"]), custom
        assert custom["controls"] or verdict.get("action") == "allow", name


def test_no_two_verdicts_have_the_same_name(opa: Path) -> None:
    names = [_literal(rule["head"]).get("rule") for _, rule in verdict_rules()]
    named = [name for name in names if isinstance(name, str)]
    assert len(set(named)) == len(named)


def _literal(node: Any) -> dict[str, Any]:
    """The object in `node` that has a severity: the verdict, or what `entities.verdict` makes one of."""
    for found in _objects(node):
        if "severity" in found:
            return found
    raise AssertionError("expected a verdict with a severity")


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield {key["value"]: _plain(value) for key, value in node["value"]}
        for inner in node.values():
            yield from _objects(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _objects(inner)


def _plain(term: dict[str, Any]) -> Any:
    if term["type"] == "array":
        return [_plain(each) for each in term["value"]]
    return term["value"] if term["type"] == "string" else None


def test_the_decisions_own_reasons_agree_with_their_metadata(annotations: list[dict[str, Any]]) -> None:
    (about,) = [
        each["annotations"]["custom"]["reasons"]
        for each in annotations
        if "reasons" in each["annotations"].get("custom", {})
    ]
    text = (LIBRARY / "main.rego").read_text("utf-8").partition("default decision")[2]
    assert set(re.findall(r'"(regate\.\w+)"', text)) == about.keys()
    whole, _, others = text.partition("_deny(rule")
    named = set(re.findall(r'"rule": "(regate\.\w+)"', whole))
    severities = re.compile(r'"severity": "(\w+)"')
    assert {about[name]["severity"] for name in named} == set(severities.findall(whole))
    assert {about[name]["severity"] for name in about.keys() - named} == set(severities.findall(others))


def test_a_rules_computed_name_is_in_its_metadata(annotations: list[dict[str, Any]], opa: Path) -> None:
    spoken = annotated(annotations, "rule")
    for name, rule in verdict_rules():
        custom = spoken[name, rule["location"]["row"]]["custom"]
        assert (_literal(rule["head"]).get("rule") is None) == ("rule" in custom), name
        assert isinstance(custom["settings"], list), name
