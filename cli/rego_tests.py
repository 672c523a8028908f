"""Policy tests on the embedded engine: `opa test` for machines that have no opa."""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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


def run_tests(
    source: PolicySource,
    folder: Path,
    *,
    seconds: float = 10.0,
    more: Mapping[str, str] | None = None,
    without: str = "\n",
) -> TestReport:
    """Run every rule `test_…` of the Rego files below `folder` against the policy, each for so many seconds.

    `more` are modules beside them, by their names; tests whose names begin with `without` are left out.

    YAML and JSON files below it are data, rooted at their folder as OPA does it: `cases/x.yaml` is in
    `data.cases`.

    Raises ConfigError when the engine is not installed or a file cannot be loaded.
    """
    if not embedded_available():
        raise ConfigError("the embedded engine is not installed: run pip install 'regate[embedded]'")
    tests = {str(path): path.read_text("utf-8") for path in rego_files(folder)} | dict(more or {})
    policy = _modules(source)
    data = [source.data, *documents(folder)]
    places = {name: place for file, text in tests.items() for name, place in _places(file, text)}
    outcomes: list[Outcome] = []
    covered: Mapping[str, Sequence[int]] | None = None
    pending = [name for name in places if not name.startswith(without)]
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


def evaluate(source: PolicySource, folder: Path, query: str) -> Any:
    """Return the value of a query over the policy and the files below `folder`, {} where it has none."""
    modules = _modules(source) | {str(path): path.read_text("utf-8") for path in rego_files(folder)}
    engine = _engine(modules, [source.data_json.decode(), *map(json.dumps, documents(folder))])
    engine.set_input_json("{}")
    try:
        found = json.loads(engine.eval_query_as_json(query))["result"]
    except RuntimeError:
        return {}
    return found[0]["expressions"][0]["value"] if found else {}


def printed(source: PolicySource, document: Mapping[str, Any]) -> list[str]:
    """Return what `print()` says while the policy decides on an input."""
    engine = _engine(_modules(source), [source.data_json.decode(), source.tables.document.decode()])
    engine.set_gather_prints(True)
    engine.set_input_json(json.dumps(document))
    with contextlib.suppress(RuntimeError):
        engine.eval_rule_as_json("data.regate.decision")
    lines: list[str] = engine.take_prints()
    return lines


def _modules(source: PolicySource) -> dict[str, str]:
    """Return the policy's modules by their paths on disk."""
    return {str(source.root / name): text for name, text in source.modules.items()}


def _engine(modules: Mapping[str, str], data: Sequence[str]) -> Any:
    """Return an engine with these modules and data, in JSON. Raises RuntimeError on what it cannot load."""
    engine = importlib.import_module("regorus").Engine()
    for name, text in modules.items():
        engine.add_policy(name, text)
    for document in data:
        engine.add_data_json(document)
    return engine


def rego_files(folder: Path) -> list[Path]:
    """Return the Rego files below a folder. Hidden files and folders are editors' and git's."""
    return [path for path in sorted(folder.rglob("*.rego")) if not hidden(folder, path)]


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what each data file adds to `data`."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yaml", ".yml", ".json") and not hidden(folder, path):
            document = read_document(path)
            for name in reversed(path.relative_to(folder).parts[:-1]):
                document = {name: document}
            yield document


def read_document(path: Path) -> dict[str, Any]:
    """Return what a data file holds. Raises ConfigError."""
    try:
        document: Any = strict_yaml(path.read_text("utf-8"))  # JSON is YAML
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected a mapping")
    return document


def hidden(folder: Path, path: Path) -> bool:
    """Return whether a file, or a folder on the way to it, is an editor's or git's."""
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
    return replace(outcome, file=file, line=line)


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
        error, cases, said, taken = answer
        if not cases:
            return [Outcome(name, error=error, seconds=taken, printed=said)]
        each = taken / len(cases)
        found = [
            Outcome(name, case, "" if passed is True else "not true", seconds=each) for case, passed in cases
        ]
        return [replace(found[0], printed=said), *found[1:]]

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
    """Send "" or what cannot be loaded, (error, cases, prints, seconds) of each test, and the lines left."""
    os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"  # read when regorus first fails
    try:
        engine = _engine(modules, data)
    except RuntimeError as error:
        pipe.send(_brief(error))
        return
    engine.set_enable_coverage(True)
    engine.set_gather_prints(True)
    pipe.send("")
    for name in names:
        begun = time.perf_counter()
        failure, cases = _run(engine, name)
        pipe.send((failure, cases, "\n".join(engine.take_prints()), time.perf_counter() - begun))
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
