"""Tables that rules name, looked up among those that exist: without its table a rule is silent.

Example: with `import data.tables as t`, `t.users[input.agent.owner]` names the table `users`, as
`data.tables.users` and `data.tables["users"]` do. Comments and texts name none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import regex

from gateway.errors import ConfigError
from gateway.policy.source.hints import closest
from gateway.policy.source.tables import REVISIONS

if TYPE_CHECKING:
    from gateway.policy.source.source import PolicySource

_TABLES = "tables"
_STEP = regex.compile(r"""\.\s*+(\w++)|\[\s*+(?:"([^"\\\n]*+)"|`([^`]*+)`)\s*+\]""")
_STEPS = rf"(?:{_STEP.pattern})*+"
_TOKEN = regex.compile(
    rf"""\#[^\n]*+ | (?<!\$)"(?:[^"\\\n]|\\.)*+" | (?<!\$)`[^`]*+`
    | \$"(?P<template>(?:[^"\\\n{{]|\\.|\{{[^{{}}\n]*+\}})*+)"
    | (?<![\w.])import\s++data(?P<imported>{_STEPS})(?:\s++as\s++(?P<alias>\w++))?
    | (?<![\w.])(?P<head>[A-Za-z_]\w*+)(?P<steps>{_STEPS})(?P<replaced>\s++as\b)?""",
    regex.VERBOSE,
)


def missing_tables(source: PolicySource) -> Iterator[ConfigError]:
    """Yield each place where a rule reads a table that is not there, or does not say which it reads."""
    known = {*source.tables.revisions, REVISIONS}  # which is there without a table, too
    for module, text in source.modules.items():
        for start, name in _named(text) if _TABLES in text else ():
            place = f"{source.root / module}:{text.count(chr(10), 0, start) + 1}: data.{_TABLES}"
            if not name:
                yield ConfigError(f"{place}: expected a name behind it, so that a missing table is noticed")
            elif name not in known:
                meant = closest(name, source.tables.revisions)
                hint = f"did you mean {meant}?" if meant else f"expected {name}.json, .yaml or .csv"
                yield ConfigError(f"{place}.{name}: there is no such table in policy.tables; {hint}")


def _named(text: str) -> Iterator[tuple[int, str]]:
    """Yield where a module reads tables, and the name of the table; "" where it is computed."""
    imports: dict[str, tuple[str, ...]] = {"data": ()}
    for token in _TOKEN.finditer(text):
        if token["template"]:  # it holds code
            yield from ((token.start(), name) for _, name in _named(token["template"]))
        elif token["imported"]:
            path = _steps(token["imported"])
            imports[token["alias"] or path[-1]] = path
            if path[0] == _TABLES and len(path) > 1:
                yield token.start(), path[1]
        elif token["head"] in imports:
            path = (*imports[token["head"]], *_steps(token["steps"]))
            if path[:1] == (_TABLES,) and not token["replaced"]:
                yield token.start(), path[1] if len(path) > 1 else ""


def _steps(text: str) -> tuple[str, ...]:
    return tuple("".join(step.groups("")) for step in _STEP.finditer(text))
