"""Cells of CSV tables that a rule takes for true or false: each is a text, which is true whatever it says.

Example: `not data.tables.users[input.agent.owner].active` lets in a user whose cell says `false`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cli.policy.faults import PolicyFault
from cli.policy.syntax import Module, Node, constant, dotted, line_of, objects, steps


def csv_truths(module: Module, tables: Collection[str]) -> Iterator[PolicyFault]:
    """Yield each line where a cell of one of these tables is a condition by itself."""
    for rule in module.rules:
        expressions = [node for node in objects(rule) if "terms" in node]
        rows = {name for node in expressions for name in _row(node["terms"], tables)}
        for node in expressions:
            term = node["terms"]
            if isinstance(term, dict) and term.get("type") == "ref" and _is_cell(term, tables, rows):
                column = constant(steps(term)[-1]) or "…"
                yield PolicyFault(
                    str(module.path),
                    line_of(node) or line_of(term),
                    f"{column} of a CSV table is a text, which is true whatever it says",
                    f'compare it, as in {column} == "true"',
                )


def _is_cell(term: Node, tables: Collection[str], rows: Collection[str]) -> bool:
    path = steps(term)
    if path and path[0]["value"] in rows:
        return len(path) == 2
    return _table(term) in tables and len(path) == 5  # data.tables.NAME[row].column


def _row(terms: object, tables: Collection[str]) -> Iterator[str]:
    """Yield the variable that an expression gives a row to."""
    if isinstance(terms, list) and len(terms) == 3 and dotted(terms[0]) in ("assign", "eq"):
        _, name, value = terms
        if name["type"] == "var" and _table(value) in tables and len(steps(value)) == 4:
            yield str(name["value"])


def _table(term: Node) -> str:
    """Return the table that a reference leads into, "" for anything else."""
    head, _, rest = dotted(term).partition("data.tables.")
    return "" if head else rest.partition(".")[0]
