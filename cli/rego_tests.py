"""Policy tests on the embedded engine: `opa test` for machines that have no opa."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.config import strict_yaml
from gateway.errors import ConfigError
from gateway.policy import PolicySource

_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test; `error` is "" when it passed."""

    name: str
    error: str = ""


def run_tests(source: PolicySource, folder: Path) -> list[Outcome]:
    """Run every rule `test_…` of the Rego files below `folder` against the policy.

    YAML and JSON files below it are data, rooted at their folder as OPA does it: `cases/x.yaml` is in
    `data.cases`.

    Raises ConfigError when the engine is not installed or a file cannot be loaded.
    """
    try:
        import regorus  # type: ignore[import-untyped]  # an optional extra, without types
    except ImportError as error:
        raise ConfigError(
            "the embedded engine is not installed: run pip install 'regate[embedded]'"
        ) from error
    engine = regorus.Engine()
    names: list[str] = []
    tests = {str(path): path.read_text("utf-8") for path in sorted(folder.rglob("*.rego"))}
    try:
        for name, text in {**source.modules, **tests}.items():
            engine.add_policy(name, text)
        engine.add_data_json(json.dumps(source.data))
        for document in documents(folder):
            engine.add_data_json(json.dumps(document))
    except RuntimeError as error:
        raise ConfigError(_brief(error)) from error
    for text in tests.values():
        names += test_names(text)
    return [Outcome(name, _run(engine, name)) for name in names]


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """What each data file adds to `data`."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json"):
            continue
        try:
            document: Any = strict_yaml(path.read_text("utf-8"))  # JSON is YAML
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
        for name in reversed(path.relative_to(folder).parts[:-1]):
            document = {name: document}
        if not isinstance(document, dict):
            raise ConfigError(f"{path}: expected a mapping")
        yield document


def test_names(text: str) -> Iterator[str]:
    """The rules `test_…` of one module."""
    package = _PACKAGE.search(text)
    if package:
        for name in dict.fromkeys(_TEST.findall(text)):
            yield f"data.{package.group(1)}.{name}"


def _run(engine: Any, name: str) -> str:
    engine.set_input_json("{}")
    try:
        result = json.loads(engine.eval_rule_as_json(name))
    except RuntimeError as error:
        return _brief(error)
    if isinstance(result, dict):  # test_x[case]: every case must hold
        failed = [case for case, passed in result.items() if passed is not True]
        return f"failed: {', '.join(failed)}" if failed else "" if result else "no case"
    return "" if result is True else "not true"


def _brief(error: RuntimeError) -> str:
    return str(error).partition("\nStack backtrace:")[0].strip()
