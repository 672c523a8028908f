"""However a rule names its table, a table that is not there is a fault; comments and texts name none."""

from pathlib import Path

import pytest

from gateway.policy import PolicySource
from gateway.policy.source.table_names import missing_tables
from gateway.policy.source.tables import Tables

HERE = Tables({"users": "r1"})


def faults(text: str) -> list[str]:
    modules = {"rules/a.rego": f"package regate.rules.a\n{text}\n"}
    return [str(each) for each in missing_tables(PolicySource(Path("/p"), modules, b"{}", "r", tables=HERE))]


@pytest.mark.parametrize(
    "text",
    [
        "x := data.tables.{}[input.agent.owner]",
        'x := data.tables["{}"].dana',
        "x := data.tables[ `{}` ].dana",
        'x := data["tables"].{}',
        "import data.tables\nx := tables.{}.dana",
        "import data.tables.{}",
        "import data.tables.{} as u\nx := u.dana",
        "import data.tables as t\nx if not t.{}.dana",
        'x := concat("#", [data.tables.{}.a])',
        'x := "\\"#"\ny if data.tables.{}.a == "#"',
        "x := `\n# `\ny := data.tables.{}",
        'x := $"is {{data.tables.{}.dana}}" # so',
        "x if some row in data.tables.{}",
        "x if {{\n\tevery row in data.tables.{} {{ row.a }}\n}}",
        "x := lib(data.tables.{})",
        "x := input.list[data.tables.{}.dana]",
    ],
)
def test_a_table_that_a_rule_names_is_there(text: str) -> None:
    assert faults(text.format("users")) == []
    found = faults(text.format("user"))
    assert found
    for fault in found:
        assert fault.startswith("/p/rules/a.rego:")
        assert fault.endswith(
            "data.tables.user: there is no such table in policy.tables; did you mean users?"
        )


def test_the_line_and_what_to_do_are_told() -> None:
    (fault,) = faults("\n\nx := data.tables.blocked")
    assert fault == (
        "/p/rules/a.rego:4: data.tables.blocked: there is no such table in policy.tables; "
        "expected blocked.json, .yaml or .csv"
    )


@pytest.mark.parametrize(
    "text",
    [
        "x := data.tables[input.model].a",
        'x := object.get(data.tables, "users", {})',
        "import data.tables as t\nx := t[input.model]",
        "x if some name, table in data.tables",
    ],
)
def test_a_table_without_a_name_is_a_fault(text: str) -> None:
    (fault,) = faults(text)
    assert fault.endswith("data.tables: expected a name behind it, so that a missing table is noticed")


@pytest.mark.parametrize(
    "text",
    [
        "# see data.tables.gone",
        'x := "data.tables.gone"',
        "x := `data.tables.gone`",
        "x := input.data.tables.gone",
        "x := f(y).data.tables.gone",
        "x := tables.gone",
        "x := mydata.tables.gone",
        "x := data.settings.tables.gone",
        "x := y with data.tables as {}",
        "x := y with data.tables.gone as {}",
        "x := data.tables._revisions",
    ],
)
def test_what_reads_no_table_names_none(text: str) -> None:
    assert faults(text) == []
