"""Run the policy's tests on mutants: `[[file, text], …]` as JSON on stdin, `[survived, …]` on stdout.

A program of its own, so that several run at once and leave no helper of multiprocessing behind.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"  # read when regorus first fails

import regorus

from cli import rego_tests
from gateway.policy import load_source

LIBRARY = Path(__file__).parents[3] / "policies" / "rego"
TESTS = LIBRARY.parents[1] / "policy_tests"


class Suite:
    """The library and its tests, ready for one file to be replaced."""

    def __init__(self) -> None:
        self._source = load_source(LIBRARY)
        self._tests = {str(path): path.read_text("utf-8") for path in sorted(TESTS.rglob("*.rego"))}
        self._data = [self._source.data, *rego_tests.documents(TESTS)]
        self._engines: dict[str, Any] = {}
        self._names = [name for text in self._tests.values() for name in rego_tests.test_names(text)]

    def passes(self, file: str, text: str) -> bool:
        """Whether the policy with this text of the file can be loaded and passes every test."""
        engine = self._without(file).clone()
        try:
            engine.add_policy(file, text)
            engine.set_input_json("{}")
        except RuntimeError:  # no engine loads it
            return False
        for place, name in enumerate(self._names):
            if not _holds(engine, name):
                self._names.insert(0, self._names.pop(place))  # neighbours mostly fail by the same test
                return False
        return True

    def _without(self, file: str) -> Any:
        if file not in self._engines:
            engine = self._engines[file] = regorus.Engine()
            for name, text in {**self._source.modules, **self._tests}.items():
                if name != file:
                    engine.add_policy(name, text)
            for document in self._data:
                engine.add_data_json(json.dumps(document))
        return self._engines[file]


def _holds(engine: Any, name: str) -> bool:
    try:
        result = json.loads(engine.eval_rule_as_json(name))
    except RuntimeError:  # the test ends in an error
        return False
    if isinstance(result, dict):
        return bool(result) and all(passed is True for passed in result.values())
    return result is True


if __name__ == "__main__":
    suite = Suite()
    json.dump([suite.passes(*mutant) for mutant in json.load(sys.stdin)], sys.stdout)
