"""Policy tests on the embedded engine: `opa test` for machines that have no opa."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import yaml

from cli.rego_report import Outcome, TestReport
from gateway.config import strict_yaml
from gateway.errors import ConfigError
from gateway.policy import PolicySource
from gateway.policy.engine import embedded_available

ENGINE = "the embedded engine"
_START_SECONDS = 60.0
_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)


def run_tests(source: PolicySource, folder: Path, *, seconds: float = 10.0) -> TestReport:
    """Run every rule `test_…` of the Rego files below `folder` against the policy, each for so many seconds.

    YAML and JSON files below it are data, rooted at their folder as OPA does it: `cases/x.yaml` is in
    `data.cases`.

    Raises ConfigError when the engine is not installed or a file cannot be loaded.
    """
    if not embedded_available():
        raise ConfigError("the embedded engine is not installed: run pip install 'regate[embedded]'")
    tests = {str(path): path.read_text("utf-8") for path in rego_files(folder)}
    policy = {str(source.root / name): text for name, text in source.modules.items()}
    data = [source.data, *documents(folder)]
    places = {name: place for file, text in tests.items() for name, place in _places(file, text)}
    outcomes: list[Outcome] = []
    covered: Mapping[str, Sequence[int]] | None = None
    pending = list(places)
    while pending:
        with _Child({**policy, **tests}, data, pending) as child:
            while pending and (outcome := child.outcome(pending[0], seconds)):
                outcomes += [_placed(each, *places[pending[0]]) for each in outcome]
                pending.pop(0)
            covered = child.not_covered()
            if pending:  # it looped, or took the engine with it: the others get another child
                name = pending.pop(0)
                outcomes.append(_placed(Outcome(name, error=child.failure), *places[name]))
    failed = covered is None or any(outcome.error for outcome in outcomes)
    missed = [(file, line) for file in policy for line in (covered or {}).get(file, ())]
    return TestReport(ENGINE, outcomes, None if failed else missed)


def rego_files(folder: Path) -> list[Path]:
    """Return the Rego files below a folder. Hidden files and folders are editors' and git's."""
    return [path for path in sorted(folder.rglob("*.rego")) if not _hidden(folder, path)]


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what each data file adds to `data`."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json") or _hidden(folder, path):
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


def _hidden(folder: Path, path: Path) -> bool:
    return any(step.startswith(".") for step in path.relative_to(folder).parts)


def test_names(text: str) -> Iterator[str]:
    """Yield the rules `test_…` of one module."""
    for name, _ in _places("", text):
        yield name


def _places(file: str, text: str) -> Iterator[tuple[str, tuple[str, int]]]:
    package = _PACKAGE.search(text)
    if package is None:
        return
    seen: set[str] = set()
    for test in _TEST.finditer(text):
        if test[1] not in seen:
            seen.add(test[1])
            yield f"data.{package[1]}.{test[1]}", (file, text.count("\n", 0, test.start()) + 1)


def _placed(outcome: Outcome, file: str, line: int) -> Outcome:
    return Outcome(outcome.name, outcome.case, outcome.error, file, line, outcome.seconds)


class _Child:
    """An engine in a process of its own, so that a test which does not end can be ended."""

    def __init__(self, modules: Mapping[str, str], data: Sequence[Any], names: Sequence[str]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        documents = [json.dumps(document) for document in data]
        self._process = spawn.Process(
            target=_work, args=(theirs, dict(modules), documents, list(names)), daemon=True
        )
        self._process.start()
        theirs.close()
        self.failure = ""

    def __enter__(self) -> _Child:
        try:
            complaint = self._next(_START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        if complaint:
            self.__exit__()
            raise ConfigError(complaint if isinstance(complaint, str) else self.failure)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def outcome(self, name: str, seconds: float) -> list[Outcome]:
        """Return the test's outcome, a case each; [] when there is none, and `failure` says why."""
        answer = self._next(seconds)
        if answer is None:
            return []
        error, cases, taken = answer
        if not cases:
            return [Outcome(name, error=error, seconds=taken)]
        each = taken / len(cases)
        return [
            Outcome(name, case, "" if passed is True else "not true", seconds=each) for case, passed in cases
        ]

    def not_covered(self) -> Mapping[str, Sequence[int]] | None:
        """Return the lines that no test ran, by file; None when a test did not end."""
        if self.failure:
            return None
        found: Mapping[str, Sequence[int]] | None = self._next(_START_SECONDS)
        return found

    def _next(self, seconds: float) -> Any:
        try:
            if self._pipe.poll(seconds):
                return self._pipe.recv()
            self.failure = f"did not end within {seconds:g} s"
        except (EOFError, OSError):
            self.failure = "the embedded engine broke off"
        return None


def _work(pipe: Connection, modules: dict[str, str], data: list[str], names: list[str]) -> None:
    """Send "" or what cannot be loaded, then (error, cases, seconds) of each test, then the lines left."""
    os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"  # read when regorus first fails
    engine = importlib.import_module("regorus").Engine()
    engine.set_enable_coverage(True)
    try:
        for name, text in modules.items():
            engine.add_policy(name, text)
        for document in data:
            engine.add_data_json(document)
    except RuntimeError as error:
        pipe.send(_brief(error))
        return
    pipe.send("")
    for name in names:
        begun = time.perf_counter()
        pipe.send((*_run(engine, name), time.perf_counter() - begun))
    files = json.loads(engine.get_coverage_report_as_json())["files"]
    pipe.send({file["path"]: file["not_covered"] for file in files})


def _run(engine: Any, name: str) -> tuple[str, list[tuple[str, Any]]]:
    engine.set_input_json("{}")
    try:
        result = json.loads(engine.eval_rule_as_json(name))
    except RuntimeError as error:
        return _brief(error), []
    if isinstance(result, dict):  # test_x[case]: every case must hold
        return "" if result else "no case", list(result.items())
    return "" if result is True else "not true", []


def _brief(error: RuntimeError) -> str:
    return str(error).partition("\nStack backtrace:")[0].strip()
