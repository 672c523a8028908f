"""The policy's tests notice every change of the policy: no mutant of the library passes them all."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cli import rego_tests
from gateway.policy import load_source
from tests.unit.policy.conftest import LIBRARY
from tests.unit.policy.mutants import Mutant, mutants

TESTS = LIBRARY.parents[1] / "policy_tests"

# Mutants that no test can tell from the original, by name, each with its reason.
EQUIVALENT = {
    'main.rego: removed: "allow" in _actions': (
        "without an allow there is the deny regate.no_allow already; a hole in that rule would be no allow"
    ),
    'main.rego: rule removed: _readable_rest(verdict, set()) if verdict.action != "mask"': (
        "a short cut for most verdicts: the last of the three says the same, slower"
    ),
    'main.rego: rule removed: _readable_rest(verdict, {"mask"}) if _readable_mask(verdict)': (
        "a short cut for most verdicts: the last of the three says the same, slower"
    ),
    "main.rego: removed: _approvers": "without it the groups are undefined, and so is the rule: the same",
    (
        "lib/entities.rego: removed: some entity in ({row.entity | some row in _rows} & "
        "object.keys(data.settings.entities))"
    ): "every named entity instead of the found ones: the same, slower",
}


@pytest.mark.timeout(300)
def test_every_mutant_of_the_library_fails_a_test(opa: Path) -> None:
    pytest.importorskip("regorus", reason="the embedded engine is not installed")
    every = [mutant for file in load_source(LIBRARY).modules for mutant in mutants(opa, LIBRARY, file)]
    assert len(every) > 500, "expected mutants of every rule"
    spawn = multiprocessing.get_context("spawn")  # a fork would copy this process's threads
    with ProcessPoolExecutor(max_workers=2, mp_context=spawn, initializer=_load) as pool:
        survived = pool.map(_survives, every, chunksize=8)
        survivors = [mutant for mutant, alive in zip(every, survived, strict=True) if alive]
    unexplained = [f"{each.row}: {each.name}" for each in survivors if each.name not in EQUIVALENT]
    assert not unexplained, "\n".join(["no test fails without or with these:", *unexplained])
    assert {each.name for each in survivors} == EQUIVALENT.keys(), "an entry of EQUIVALENT is killed by now"


class _Suite:
    """The library and its tests, ready for one file to be replaced."""

    def __init__(self) -> None:
        import regorus

        self._new = regorus.Engine
        self._source = load_source(LIBRARY)
        self._tests = {str(path): path.read_text("utf-8") for path in sorted(TESTS.rglob("*.rego"))}
        self._data = [self._source.data, *rego_tests.documents(TESTS)]
        self._engines: dict[str, Any] = {}

    def passes(self, mutant: Mutant) -> bool:
        """Whether the policy with the mutant can be loaded and passes every test."""
        engine = self._without(mutant.file).clone()
        try:
            engine.add_policy(mutant.file, mutant.text)
            engine.set_input_json("{}")
            return all(_holds(engine, name) for name in self._names(mutant.file))
        except RuntimeError:  # no engine loads it, or a test ends in an error
            return False

    def _without(self, file: str) -> Any:
        if file not in self._engines:
            engine = self._engines[file] = self._new()
            for name, text in {**self._source.modules, **self._tests}.items():
                if name != file:
                    engine.add_policy(name, text)
            for document in self._data:
                engine.add_data_json(json.dumps(document))
        return self._engines[file]

    def _names(self, file: str) -> list[str]:
        """Every test, those of the file's own topic first: they are the likeliest to fail."""
        found = [name for text in self._tests.values() for name in rego_tests.test_names(text)]
        topic = Path(file).stem
        return sorted(found, key=lambda name: (f".{topic}." not in name, ".cases." not in name))


_suites: list[_Suite] = []  # one for each worker process


def _load() -> None:
    _suites.append(_Suite())


def _survives(mutant: Mutant) -> bool:
    return _suites[0].passes(mutant)


def _holds(engine: Any, name: str) -> bool:
    result = json.loads(engine.eval_rule_as_json(name))
    if isinstance(result, dict):
        return bool(result) and all(passed is True for passed in result.values())
    return result is True
