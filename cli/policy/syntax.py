"""Rego files as OPA's parser reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.policy.opa import run_opa

Node = dict[str, Any]
_AT_ONCE = 4  # processes: each lives for some 15 ms


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file."""

    path: Path
    tree: Node

    @property
    def package(self) -> str:
        """As `package` names it: `regate.rules.night`."""
        return ".".join(str(step["value"]) for step in self.tree["package"]["path"][1:])

    @property
    def package_line(self) -> int:
        return line_of(self.tree["package"]["path"][-1])

    @property
    def rules(self) -> list[Node]:
        rules: list[Node] = self.tree.get("rules") or []
        return rules

    @property
    def annotations(self) -> list[Node]:
        """Those of the package."""
        return [each for each in self.tree.get("annotations") or [] if each["scope"] == "package"]


def parse_all(opa: Path, paths: Sequence[Path]) -> list[Module]:
    """Parse the files and return those that parse; the compiler reports the others. Raises OpaFailed."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        modules = pool.map(lambda path: _parse(opa, path), paths)
        return [module for module in modules if module is not None]


def _parse(opa: Path, path: Path) -> Module | None:
    run = run_opa(opa, "parse", "--format=json", "--json-include=locations,-comments", path)
    return None if run.code else Module(path, run.document())


def rule_name(rule: Node) -> str:
    return str(rule["head"]["ref"][0]["value"])


def line_of(node: Node) -> int:
    """Return the line where a node stands."""
    return int(node.get("location", {}).get("row", 0))


def nodes(tree: Any) -> Iterator[Node]:
    """Yield every object of the tree that has a type, from the outside in."""
    return (node for node in objects(tree) if "type" in node)


def objects(tree: Any) -> Iterator[Node]:
    """Yield every object of the tree but its annotations and locations, from the outside in."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(
                value
                for key, value in reversed(node.items())
                if isinstance(value, dict | list) and key not in ("annotations", "location")
            )
        elif isinstance(node, list):
            pending.extend(reversed(node))


def steps(node: Node) -> list[Node]:
    """Return the steps of a reference, its head first; [] for anything else."""
    return node["value"] if node["type"] == "ref" else []


def constant(node: Node) -> str | None:
    """Return the text of a string; None for anything else."""
    return str(node["value"]) if node["type"] == "string" else None


def dotted(node: Node) -> str:
    """Return the name that a reference spells as far as it is fixed: `input.agent.claims`, `http.send`."""
    names: list[str] = []
    for place, step in enumerate(steps(node)):
        if step["type"] != ("string" if place else "var"):
            break
        names.append(str(step["value"]))
    return ".".join(names)


def names_of(rule: Node, topic: str) -> set[str]:
    """Return the name that a verdict spells, or what those that it computes begin with, as METADATA says."""
    if (spelt := _named(rule)) is not None:
        return {spelt}
    about: Mapping[str, Any] = next(iter(rule.get("annotations") or []), {})
    said = str((about.get("custom") or {}).get("rule", "")).split(", ")
    return {f"{(each or topic).partition('.')[0]}." for each in said}


def _named(rule: Node) -> str | None:
    for node in nodes(rule["head"]):
        if node["type"] == "object":
            for key, value in node["value"]:
                if constant(key) == "rule":
                    return constant(value)
    return None
