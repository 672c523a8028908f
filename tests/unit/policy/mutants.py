"""Mutants of the policy library: a file with one expression negated or removed, or one rule removed."""

from __future__ import annotations

import base64
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_WITHOUT_NEGATION = ("some ", "every ")
_COMPREHENSIONS = ("arraycomprehension", "setcomprehension", "objectcomprehension")


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """`name` says what was done where, in words that survive a move of the lines; no two are alike."""

    file: str
    row: int
    name: str
    text: str


def mutants(opa: Path, root: Path, file: str) -> Iterator[Mutant]:
    """Every mutant of one file of the library, by the places that `opa parse` gives.

    Each rule (a default too) and each `else` is removed; each expression of a body, of a comprehension or an
    `every` as well, is removed and, where Rego can say so, negated.
    """
    names: Counter[str] = Counter()
    for mutant in _mutants(opa, root, file):
        names[mutant.name] += 1
        number = names[mutant.name]
        yield mutant if number == 1 else replace(mutant, name=f"{mutant.name} ({number})")


def _mutants(opa: Path, root: Path, file: str) -> Iterator[Mutant]:
    text = (root / file).read_text("utf-8")
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    command = [opa, "parse", "--format=json", "--json-include=locations", root / file]
    run = subprocess.run(command, capture_output=True, check=True)

    def change(location: dict[str, Any], what: str, replacement: str) -> Iterator[Mutant]:
        found = base64.b64decode(location["text"]).decode()
        begin = starts[location["row"] - 1] + location["col"] - 1
        assert text[begin : begin + len(found)] == found, f"{file}:{location['row']}: expected {found!r}"
        shown = found.removesuffix(replacement) if what == "else removed" else found
        name = f"{file}: {what}: {' '.join(shown.split())}"
        yield Mutant(file, location["row"], name, text[:begin] + replacement + text[begin + len(found) :])

    for rule in json.loads(run.stdout)["rules"]:
        place = rule["head"]["value"]["location"] if rule.get("default") else rule["location"]
        if rule.get("default"):  # its own place is that of the word alone
            begin = starts[rule["location"]["row"] - 1]
            end = starts[place["row"] - 1] + place["col"] - 1 + len(base64.b64decode(place["text"]).decode())
            name = f"{file}: default removed: {' '.join(text[begin:end].split())[:60]}"
            yield Mutant(file, place["row"], name, text[:begin] + text[end:])
            continue
        yield from change(place, "rule removed", "")
        branch = rule.get("else")
        while branch:
            inner = branch.get("else")
            rest = base64.b64decode(inner["location"]["text"]).decode() if inner else ""
            yield from change(branch["location"], "else removed", rest)
            branch = inner
        for body in _bodies(rule):
            for expression in body:
                if expression.get("location") in (None, rule["location"]):
                    continue  # the body of a rule that has none
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
