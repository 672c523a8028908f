"""Run the policy's tests on mutants: `[[file, row, text], …]` as JSON on stdin, `[survived, …]` on stdout.

A program of its own, so that several run at once and leave no helper of multiprocessing behind.

Most mutants fail a test that takes a millisecond, so the tests are cut small and the likely ones run first:
each case of the case files is a test of its own. The tests that run the mutant's row go first, quick ones
before slow ones, and the one that has failed the mutant before goes before them all.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"  # read when regorus first fails

import regorus

from cli import rego_tests
from gateway.policy import load_source

LIBRARY = Path(__file__).parents[3] / "policies" / "rego"
TESTS = LIBRARY.parents[1] / "policy_tests"

# One engine runs every case: the cases come as input, for new data would make it prepare all rules again.
ALL_CASES, ONE_CASE = "data.policy_tests.cases.passes", "data.mutation.test_case"
TOGETHER = "data.policy_tests.cases.test_cases"
ONE_CASE_MODULE = f"""package mutation

test_case := found if found := {ALL_CASES} with data.cases as input
"""


class Test(NamedTuple):
    """A rule that is true for its input, or an object with every value true."""

    rule: str
    input_json: str = "{}"


class Suite:
    """The library and its tests, ready for one file to be replaced."""

    def __init__(self) -> None:
        source = load_source(LIBRARY)
        files = {str(path): path.read_text("utf-8") for path in sorted(TESTS.rglob("*.rego"))}
        self._modules = {**source.modules, **files, "mutation.rego": ONE_CASE_MODULE}
        self._data = [source.data, *rego_tests.documents(TESTS)]
        self._engines: dict[str, Any] = {}
        self._failed: list[Test] = []
        rules = [name for text in files.values() for name in rego_tests.test_names(text)]
        assert TOGETHER in rules
        self._tests = [Test(rule) for rule in rules if rule != TOGETHER] + _cases(self._data)
        self._rows = self._measured(source.modules)

    def passes(self, file: str, row: int, text: str) -> bool:
        """Return whether the policy with this text of the file can be loaded and passes every test."""
        engine = self._without(file).clone()
        try:
            engine.add_policy(file, text)
        except RuntimeError:  # no engine loads it
            return False
        likely = [test for test in self._tests if (file, row) in self._rows[test]]
        for test in dict.fromkeys([*self._failed[-1:], *likely, *self._tests]):
            if not _holds(engine, test):
                self._failed.append(test)
                return False
        return True

    def _measured(self, original: Mapping[str, str]) -> dict[Test, set[tuple[str, int]]]:
        """Sort the tests by the time that they take, and return the rows of the policy that each runs."""
        file, text = next(iter(original.items()))
        engine = self._without(file).clone()
        engine.add_policy(file, text)
        engine.set_enable_coverage(True)
        seconds, rows = {}, {}
        for test in self._tests:
            engine.clear_coverage_data()
            begun = time.process_time()
            _holds(engine, test)
            seconds[test] = time.process_time() - begun
            covered = json.loads(engine.get_coverage_report_as_json())["files"]
            rows[test] = {(each["path"], row) for each in covered for row in each["covered"]}
        self._tests.sort(key=lambda test: seconds[test])
        return rows

    def _without(self, file: str) -> Any:
        if file not in self._engines:
            engine = self._engines[file] = regorus.Engine()
            for name, text in self._modules.items():
                if name != file:
                    engine.add_policy(name, text)
            for document in self._data:
                engine.add_data_json(json.dumps(document))
        return self._engines[file]


def _cases(documents: Sequence[Mapping[str, Any]]) -> list[Test]:
    return [
        Test(ONE_CASE, json.dumps({topic: {title: case}}))
        for document in documents
        for topic, cases in document.get("cases", {}).items()
        for title, case in cases.items()
    ]


def _holds(engine: Any, test: Test) -> bool:
    try:
        engine.set_input_json(test.input_json)
        result = json.loads(engine.eval_rule_as_json(test.rule))
    except RuntimeError:  # the test ends in an error
        return False
    if isinstance(result, dict):
        return bool(result) and all(passed is True for passed in result.values())
    return result is True


if __name__ == "__main__":
    suite = Suite()
    json.dump([suite.passes(*mutant) for mutant in json.load(sys.stdin)], sys.stdout)
