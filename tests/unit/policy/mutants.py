"""Mutants of the policy library: a file with one expression negated or removed, or one rule removed."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WITHOUT_NEGATION = ("some ", "every ")
_COMPREHENSIONS = ("arraycomprehension", "setcomprehension", "objectcomprehension")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`name` says what was done where, in words that survive a move of the lines."""

    file: str
    row: int
    name: str
    text: str


def mutants(opa: Path, root: Path, file: str) -> Iterator[Mutant]:
    """Every mutant of one file of the library, by the places that `opa parse` gives."""
    text = (root / file).read_text("utf-8")
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    command = [opa, "parse", "--format=json", "--json-include=locations", root / file]
    run = subprocess.run(command, capture_output=True, check=True)

    def change(location: dict[str, Any], what: str, replacement: str) -> Iterator[Mutant]:
        found = base64.b64decode(location["text"]).decode()
        begin = starts[location["row"] - 1] + location["col"] - 1
        if text[begin : begin + len(found)] != found or found == replacement:
            return
        name = f"{file}: {what}: {' '.join(found.split())}"
        yield Mutant(file, location["row"], name, text[:begin] + replacement + text[begin + len(found) :])

    for rule in json.loads(run.stdout)["rules"]:
        yield from change(rule["location"], "rule removed", "")
        branch = rule.get("else")
        while branch:
            yield from change(branch["location"], "else removed", "")
            branch = branch.get("else")
        for body in _bodies(rule):
            for expression in body:
                if "location" not in expression:
                    continue
                found = base64.b64decode(expression["location"]["text"]).decode()
                yield from change(expression["location"], "removed", "true")
                if expression.get("negated"):
                    yield from change(expression["location"], "negated", found.removeprefix("not "))
                elif not found.startswith(_WITHOUT_NEGATION) and ":=" not in found.split("{")[0]:
                    yield from change(expression["location"], "negated", f"not {found}")


def _bodies(node: Any) -> Iterator[list[dict[str, Any]]]:
    """The bodies of a rule, its else branches, and the comprehensions and `every` inside."""
    if isinstance(node, dict):
        if isinstance(node.get("body"), list):
            yield node["body"]
        for key, inner in node.items():
            if key not in ("location", "annotations"):
                yield from _bodies(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _bodies(inner)
