"""A package that names no schema is checked against the input's; faults keep their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.syntax import parse_all
from cli.policy.typed import untyped_faults
from tests.unit.policy.conftest import LIBRARY

RULE = """
verdicts contains input.model if {
	input.agent.grups[_] == "root"
}
"""
HEADS = {
    "no comment": "package regate.rules.mine\n",
    "a comment": "# Copyright (c) Acme\npackage regate.rules.mine\n",
    "METADATA": "# METADATA\n# title: Mine\npackage regate.rules.mine\n",
    "METADATA behind a comment": "# (c) Acme\n\n# METADATA\n# title: Mine\npackage regate.rules.mine\n",
    "other schemas": "# METADATA\n# schemas:\n#   - data.settings.mine: {}\npackage regate.rules.mine\n",
}


def told(opa: Path, folder: Path) -> list[str]:
    modules = parse_all(opa, sorted(folder.rglob("*.rego")))
    schemas = LIBRARY.parents[1] / "gateway/contract/schemas"
    return [str(each) for each in untyped_faults(opa, folder, modules, schemas)]


@pytest.mark.parametrize("head", HEADS.values(), ids=list(HEADS))
def test_a_misspelt_input_is_found_whatever_the_head(opa: Path, tmp_path: Path, head: str) -> None:
    file = tmp_path / "mine.rego"
    file.write_text(head + RULE)
    [fault] = told(opa, tmp_path)
    line = (head + RULE).split("grups")[0].count("\n") + 1
    assert fault.startswith(f"{file}:{line}: undefined ref: input.agent.grups[_]; expected one of ")


def test_a_package_that_names_a_schema_in_one_of_its_files_is_checked_by_opa_itself(
    opa: Path, tmp_path: Path
) -> None:
    head = '# METADATA\n# schemas:\n#   - input: schema["input.schema"]\npackage regate.rules.mine\n'
    (tmp_path / "a.rego").write_text(head + RULE)
    (tmp_path / "b.rego").write_text(HEADS["no comment"] + RULE)
    assert told(opa, tmp_path) == []


def test_a_package_of_two_files_is_checked_whole(opa: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.rego").write_text(HEADS["no comment"] + RULE)
    assert {fault.rpartition("/")[2].partition(":")[0] for fault in told(opa, tmp_path)} >= {"a.rego"}
