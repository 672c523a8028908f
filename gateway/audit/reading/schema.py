"""What the views and their columns mean: the database's comments and the reference page say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.audit.files.literal import literal
from gateway.audit.reading.columns import STORED
from gateway.audit.reading.described import COMMON, VIEWS


def meaning(view: str, column: str) -> str:
    """Return what the column means. Raises KeyError for a column without a description."""
    return VIEWS[view].columns.get(column) or COMMON[column]


def comments(columns: Mapping[str, list[tuple[str, str]]]) -> Iterator[str]:
    """Yield COMMENT statements for the views and their columns: any DuckDB client shows what they mean."""
    for view, names in columns.items():
        for place in (view, STORED) if view == "records" else (view,):
            yield f"COMMENT ON VIEW {place} IS {literal(f'One row {VIEWS[view].row}.')}"
            for name, _ in names:
                yield f"COMMENT ON COLUMN {place}.{name} IS {literal(meaning(view, name))}"


def reference(columns: Mapping[str, list[tuple[str, str]]]) -> str:
    """Write the reference page; `columns` holds each view's columns with their types."""
    lines = [
        "# The views, column by column",
        "",
        "Written by `regate audit views --markdown`. [audit.md](audit.md) says what they are for, and",
        "[questions.md](../guides/questions.md) what people ask them. NULL stands for what is not known or",
        "does not apply. A name has one type and needs no quotes in all of them.",
    ]
    for view, described in VIEWS.items():
        lines += [
            "",
            f"## {view}",
            "",
            f"One row {described.row}.",
            "",
            "| column | type | |",
            "|---|---|---|",
        ]
        lines += [f"| `{name}` | {kind} | {meaning(view, name)} |" for name, kind in columns[view]]
        lines += ["", described.note.strip()] if described.note else []
    return "\n".join(lines) + "\n"
