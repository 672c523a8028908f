"""A cell of a CSV table is compared: tested bare, `false` is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.csv_truths import csv_truths
from cli.policy.syntax import parse_all


@pytest.mark.parametrize(
    ("body", "column"),
    [
        ("not data.tables.users[input.agent.owner].active", "active"),
        ("data.tables.users.dana.active", "active"),
        ('data.tables["users"][input.agent.owner]["active"]', "active"),
        ("data.tables.users[input.agent.owner][input.model]", "…"),
        ("row := data.tables.users[input.agent.owner]\n\tnot row.active", "active"),
        ("count({1 | data.tables.users[_].active}) > 0", "active"),
        ("every name in input.names {\n\t\tdata.tables.users[name].active\n\t}", "active"),
        ('data.tables.users[input.agent.owner].active == "true"', ""),
        ("not data.tables.users[input.agent.owner]", ""),
        ("row := data.tables.users[input.agent.owner]\n\trow.active == input.model", ""),
        ("not data.tables.teams[input.agent.owner].active", ""),
        ("not data.settings.users.dana.active", ""),
    ],
)
def test_a_cell_that_is_taken_for_true_is_a_fault(opa: Path, tmp_path: Path, body: str, column: str) -> None:
    file = tmp_path / "a.rego"
    file.write_text(f"package regate.rules.a\n\nx if {{\n\t{body}\n}}\n")
    (module,) = parse_all(opa, [file])
    found = [str(fault) for fault in csv_truths(module, {"users"})]
    assert len(found) == bool(column), found
    assert all(f"{column} of a CSV table is a text" in fault for fault in found), found
