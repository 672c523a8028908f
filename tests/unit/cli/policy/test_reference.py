"""`regate policy docs` writes a page about every rule, and says when it is old."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.reference import blocks, reference
from gateway.contract import schema_of
from gateway.errors import ConfigError
from gateway.policy import load_source
from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import LIBRARY

PAGE = LIBRARY.parents[1] / "docs/reference/policies.md"


def test_the_page_in_the_repository_is_what_the_metadata_says() -> None:
    assert PAGE.read_text("utf-8") == reference(load_source(LIBRARY)), "run: regate policy docs"


def test_an_old_page_is_told(policy: Path, tmp_path: Path) -> None:
    page = tmp_path / "policies.md"
    arguments = ("docs", "--path", str(policy), "--out", str(page))
    assert regate(*arguments, "--check").exit_code == 1, "there is no page"
    assert regate(*arguments).exit_code == 0
    assert regate(*arguments, "--check").exit_code == 0
    said = page.read_text("utf-8")
    file = policy / "rules/bulk.rego"
    file.write_text(file.read_text("utf-8").replace("severity: high", "severity: critical"), "utf-8")
    assert regate(*arguments, "--check").exit_code == 1
    assert page.read_text("utf-8") == said, "it was written"


def test_every_verdict_of_the_library_is_on_the_page() -> None:
    text = "".join(path.read_text("utf-8") for path in (LIBRARY / "rules").glob("*.rego"))
    page = PAGE.read_text("utf-8")
    assert page.count("\n- severity: ") == text.count("\nverdicts contains") + 4, "and those of the decision"
    assert page.count("\n- settings: ") == page.count("\n- controls: ") == text.count("\nverdicts contains")


def test_metadata_that_is_no_yaml_is_told_with_file_and_line(policy: Path) -> None:
    file = policy / "rules/bulk.rego"
    file.write_text(file.read_text("utf-8").replace("# scope: rule", "# scope: [rule"), "utf-8")
    with pytest.raises(ConfigError, match=r"rules/bulk\.rego:9: METADATA"):
        reference(load_source(policy))


def test_every_setting_that_a_rule_names_is_in_the_schema() -> None:
    source = load_source(LIBRARY)
    named = {
        setting
        for name, text in source.modules.items()
        for block in blocks(source.root / name, text)
        for setting in block.custom("settings", [])
    }
    assert len(named) > 10
    for setting in named:
        assert _is_known(schema_of("settings"), setting.split(".")), setting


def _is_known(schema: object, steps: list[str]) -> bool:
    """Whether the settings' schema has a place for it; `<group>` stands for any name."""
    node = _resolved(schema)
    for step in steps:
        properties = node.get("properties", {})
        inner = properties.get(step, node.get("additionalProperties") if step.startswith("<") else None)
        if not isinstance(inner, dict):
            return False
        node = _resolved(inner)
    return True


def _resolved(node: object) -> dict[str, object]:
    assert isinstance(node, dict)
    for inner in node.get("allOf", []):
        if "$ref" in inner:
            return _resolved(inner)
    if "$ref" in node:
        return dict(schema_of("settings")["definitions"][node["$ref"].rpartition("/")[2]])
    return node
