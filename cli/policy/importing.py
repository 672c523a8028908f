"""An OPA library of other packages, rewritten to stand under `regate.lib.<name>`.

Example, imported as `acme`:  package authz             →  package regate.lib.acme.authz
                              data.authz.allow          →  data.regate.lib.acme.authz.allow
                              data.limits (a data file) →  data.settings.acme.limits
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.policy.opa import run_opa
from cli.policy.syntax import Module, Node, line_of, nodes, parse_all, rule_name, steps
from cli.rego_tests import hidden, read_document
from gateway.errors import ConfigError

_STEP = re.compile(r"[A-Za-z_]\w*")
_ANY_INPUT = "#   - input: {type: object}"
_DATA = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Library:
    """What is written: `files` by their paths in the policy's folder, and what a topic may call."""

    files: Mapping[str, str]
    calls: Sequence[str]
    left_out: Sequence[str] = field(default=())


def read_library(opa: Path, folder: Path, name: str) -> Library:
    """Return the library in `folder` under the name.

    Raises ConfigError on what cannot be moved, OpaFailed.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not hidden(folder, path)]
    if away := next((path for path in found if not path.resolve().is_relative_to(folder.resolve())), None):
        raise ConfigError(f"{away}: leads out of {folder}; expected the file itself")
    tests = [path for path in found if path.name.endswith("_test.rego")]
    rego = [path for path in found if path.suffix == ".rego" and path not in tests]
    if not rego:
        raise ConfigError(f"{folder}: expected Rego files (*.rego), found none")
    modules = parse_all(opa, rego)
    if len(modules) < len(rego):
        _complain(opa, folder, sorted({*rego} - {module.path for module in modules}))
    packages = {module.package for module in modules}
    data = dict(_data(folder, found, name))
    known = {key for file, text in data.items() for key in _roots(file, text)}
    about = [_ANY_INPUT, *([f"#   - data.settings.{name}: {{type: object}}"] if data else [])]
    files = {
        f"lib/{name}/{module.path.relative_to(folder).as_posix()}": _typed(
            module, _moved(module, packages, known, name), about
        )
        for module in modules
    }
    calls = [
        f"data.regate.lib.{name}.{module.package}.{rule}"
        for module in modules
        for rule in dict.fromkeys(map(rule_name, module.rules))
        if not rule.startswith("_")
    ]
    left_out = [f"{path}: tests stay where they are" for path in tests]
    return Library({**files, **data}, list(dict.fromkeys(calls)), left_out)


def _complain(opa: Path, folder: Path, broken: Sequence[Path]) -> None:
    """Raise ConfigError about files that Rego v1 cannot read; of Rego v0 say how it becomes v1."""
    for path in broken:
        if not run_opa(opa, "parse", "--v0-compatible", path).code:
            raise ConfigError(
                f"{path}: this is Rego v0; make it v1 first: opa fmt --write --rego-v1 {folder}"
            )
    said = run_opa(opa, "check", broken[0])
    raise ConfigError(f"{broken[0]}: cannot be read: {(said.err or said.out).strip()[:500]}")


def _roots(file: str, text: str) -> Iterator[str]:
    """Yield the names under `data` that a data file gives: its folder's, or its keys."""
    _, _, *folders, _ = file.split("/")
    yield from folders[:1] or json.loads(text)


def _moved(module: Module, packages: set[str], known: set[str], name: str) -> str:
    """Return the text with its package and its references moved, and METADATA where there is none."""
    lines = module.path.read_text("utf-8").split("\n")
    edits = dict(_references(module, packages, known, name))
    package = module.tree["package"]["path"][1]["location"]
    edits[package["row"], package["col"]] = (0, f"regate.lib.{name}.")
    for (row, column), (length, text) in sorted(edits.items(), reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[: column - 1] + text + line[column - 1 + length :]
    for row, block in sorted(_missing(module), reverse=True):
        lines[row - 1 : row - 1] = block
    return "\n".join(lines)


def _references(
    module: Module, packages: set[str], known: set[str], name: str
) -> Iterator[tuple[tuple[int, int], tuple[int, str]]]:
    """Yield where a reference to `data` stands, how long the word is, and what takes its place."""
    trees = [module.tree.get("imports") or [], module.tree.get("rules") or []]
    for node in nodes(trees):
        path = steps(node)
        if not path or path[0].get("value") != "data" or path[0]["type"] != "var":
            continue
        place: Node = path[0].get("location") or node["location"]
        spelt = []
        for step in path[1:]:
            if step["type"] != "string" or not _STEP.fullmatch(str(step["value"])):
                break
            spelt.append(str(step["value"]))
        if not spelt:
            raise ConfigError(
                f"{module.path}:{place['row']}: data without a fixed name behind it cannot be moved"
            )
        is_package = any(_begin_alike(spelt, package.split(".")) for package in packages)
        if not is_package and spelt[0] not in known:
            raise ConfigError(
                f"{module.path}:{place['row']}: data.{'.'.join(spelt)} is no package of {module.path.parent} "
                "and in none of its data files; expected the whole library"
            )
        root = f"data.regate.lib.{name}" if is_package else f"data.settings.{name}"
        yield (place["row"], place["col"]), (len("data"), root)


def _begin_alike(spelt: Sequence[str], package: Sequence[str]) -> bool:
    length = min(len(spelt), len(package))
    return list(spelt[:length]) == list(package[:length])


def _typed(module: Module, text: str, about: Sequence[str]) -> str:
    """Say in METADATA that the input is the library's own; one that names schemas keeps them."""
    if any(each.get("schemas") for each in module.annotations):
        return text
    return text.replace("# METADATA\n", "\n".join(["# METADATA", "# schemas:", *about, ""]), 1)


def _missing(module: Module) -> Iterator[tuple[int, list[str]]]:
    """Yield METADATA that Regate wants, and the line before which it goes."""
    if not all(any(each.get(key) for each in module.annotations) for key in ("title", "description")):
        told = [f"# title: {module.package}", f"# description: Imported from {module.path.name}."]
        own = [line for line in told if not module.annotations]
        if not own:
            raise ConfigError(
                f"{module.path}:{module.package_line}: expected title and description in METADATA"
            )
        yield module.package_line, ["# METADATA", *own]
    seen: set[str] = set()
    for rule in module.rules:
        name = rule_name(rule)
        if not name.startswith("_") and name not in seen and not rule.get("annotations"):
            yield line_of(rule), ["# METADATA", f"# title: {name}"]
        seen.add(name)


def _data(folder: Path, found: Sequence[Path], name: str) -> Iterator[tuple[str, str]]:
    """Yield data files at the place that their folder gives them, below the settings."""
    seen: set[Path] = set()
    for path in found:
        if path.suffix not in _DATA:
            continue
        home = path.parent.relative_to(folder)
        if home in seen:
            raise ConfigError(f"{path}: expected one data file in each folder")
        seen.add(home)
        target = Path("settings", name, home, "data.json").as_posix()
        yield target, json.dumps(read_document(path), ensure_ascii=False, indent=2) + "\n"
