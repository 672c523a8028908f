"""A case that says what no case can say is told, with its file and line and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.cases import case_faults, read_cases
from gateway.errors import ConfigError
from gateway.policy import PolicySource, load_source
from tests.unit.policy.conftest import LIBRARY, TESTS

GOOD = """night:
  interns may not:
    base: prompt
    input: {agent: {groups: [interns]}, findings: [{entity: US_SSN}]}
    settings: {bulk: {personal_values: 3}, groups: {interns: {models: ["*"]}}}
    decision: {action: deny}
    rules: [night.interns]
"""


@pytest.fixture(scope="module")
def library() -> PolicySource:
    return load_source(LIBRARY)


def told(folder: Path, text: str, library: PolicySource) -> list[str]:
    (folder / "cases").mkdir(exist_ok=True)
    file = folder / "cases/night.yaml"
    file.write_text(text)
    return [str(fault).removeprefix(f"{file}:") for fault in case_faults(read_cases(folder), library)]


def test_the_library_s_cases_are_in_order(library: PolicySource) -> None:
    assert sum(1 for _ in read_cases(TESTS)) > 100
    assert not list(case_faults(read_cases(TESTS), library))


def test_a_good_case_is_in_order(tmp_path: Path, library: PolicySource) -> None:
    assert told(tmp_path, GOOD, library) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("base:", "bse:", 2, ["'base' is a required property"]),
        (
            "    base: prompt",
            "    base: prompt\n    ruls: []",
            2,
            ["'ruls' was unexpected", "did you mean rules?"],
        ),
        ("groups: [interns]}, f", "grups: [interns]}, f", 4, ["input.agent", "did you mean groups?"]),
        ("{entity: US_SSN}", "{entty: US_SSN}", 4, ["input.findings.0", "did you mean entity?"]),
        (
            "[{entity: US_SSN}]",
            "[{count: many}]",
            4,
            ["input.findings.0.count: 'many' is not of type 'integer'"],
        ),
        ("personal_values", "charcters", 5, ["settings.bulk", "'charcters' was unexpected"]),
        ('models: ["*"]', 'models: ["["]', 5, ["settings.groups.interns.models.0", "expected a glob: "]),
        ("bulk:", "blk:", 5, ["settings", "did you mean bulk?"]),
        ("models:", "modles:", 5, ["settings.groups.interns", "did you mean models?"]),
        ("action: deny", "action: dney", 6, ["decision.action: 'dney' is not one of"]),
        ("action: deny", "acton: deny", 6, ["decision", "did you mean action?"]),
        ("{action: deny}", "{}", 6, ["decision: {} "]),
        ("[night.interns]", "[bulk.personal_valus]", 7, ["rules.0", "did you mean bulk.personal_values?"]),
        ("[night.interns]", "night.interns", 7, ["rules: 'night.interns' is not of type 'array'"]),
    ],
)
def test_what_no_case_can_say_is_told(
    tmp_path: Path, library: PolicySource, old: str, new: str, line: int, words: list[str]
) -> None:
    assert old in GOOD
    faults = told(tmp_path, GOOD.replace(old, new), library)
    assert any(
        fault.startswith(f"{line}: night: interns may not: ") and all(word in fault for word in words)
        for fault in faults
    ), faults


def test_a_case_may_be_broken_on_purpose_and_must_be_then(tmp_path: Path, library: PolicySource) -> None:
    broken = GOOD.replace("base: prompt", "base: prompt\n    broken: true")
    assert told(tmp_path, broken.replace("values: 3", "values: many"), library) == []
    [fault] = told(tmp_path, broken, library)
    assert "broken: its input and settings are in order; remove it" in fault
    [fault] = told(tmp_path, broken.replace("values: 3", "values: many").replace("deny", "dney"), library)
    assert "decision.action" in fault


def test_settings_that_a_topic_declares_are_known(tmp_path: Path, policy: Path) -> None:
    (policy / "rules/night.rego").write_text(
        "# METADATA\n# title: Night\n# schemas:\n#   - data.settings.night: {type: object, "
        "properties: {agents: {type: array}}, additionalProperties: false}\n"
        "package regate.rules.night\n\nverdicts contains {} if false\n"
    )
    (policy / "settings/night").mkdir()
    (policy / "settings/night/data.yaml").write_text("agents: []\n")
    source = load_source(policy)
    assert told(tmp_path, GOOD.replace("{bulk:", "{night: {agents: []}, bulk:"), source) == []
    [fault] = told(tmp_path, GOOD.replace("{bulk:", "{night: {agnts: []}, bulk:"), source)
    assert "did you mean agents?" in fault


@pytest.mark.parametrize("text", ["- a list\n", "night: 7\n", "night: {\n"])
def test_a_file_that_holds_no_cases_is_refused(tmp_path: Path, library: PolicySource, text: str) -> None:
    with pytest.raises(ConfigError, match=r"night\.yaml"):
        told(tmp_path, text, library)
