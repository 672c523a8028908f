"""Each case as a test of its own: one that loops, or breaks a built-in, fails alone and by its name."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cli.policy.cases import Case
from cli.rego_report import Outcome

_HARNESS = "cases_test.rego"
_PACKAGE = "policy_tests.apart"
_TEST = f"data.{_PACKAGE}.test_"
# What the harness itself calls its tests of all cases together.
TOGETHER = "data.policy_tests.cases.test_case"


def can_stand_apart(folder: Path) -> bool:
    """Return whether the folder has Regate's harness, which decides about one case."""
    harness = folder / _HARNESS
    return harness.is_file() and "\n_as_expected(case)" in harness.read_text("utf-8")


def module_of(cases: Sequence[Case]) -> str:
    """Return a Rego module with a test for each case, in their order."""
    tests = [
        f"test_{number} if data.policy_tests.cases._as_expected({_reference(case)})\n"
        for number, case in enumerate(cases)
    ]
    return "\n".join([f"package {_PACKAGE}\n", *tests])


@contextmanager
def module_folder(cases: Sequence[Case]) -> Iterator[Path]:
    """Write the module into a folder that lasts as long as the block."""
    with tempfile.TemporaryDirectory(prefix="regate-cases-") as folder:
        Path(folder, "apart_test.rego").write_text(module_of(cases), "utf-8")
        yield Path(folder)


def other_than(prefix: str) -> str:
    """Return an expression for names that do not begin with the prefix; Go's expressions have no negation."""
    found = ""
    for char in reversed(prefix):
        rest = f"|{re.escape(char)}(?:{found})" if found else ""
        found = f"$|[^{re.escape(char)}]{rest}"
    return f"^(?:{found})"


def named(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> list[Outcome]:
    """Give the outcomes of these tests the names and places of their cases."""
    return [_named(each, cases) if each.name.startswith(_TEST) else each for each in outcomes]


def _named(outcome: Outcome, cases: Sequence[Case]) -> Outcome:
    case = cases[int(outcome.name.removeprefix(_TEST))]
    return replace(outcome, name=TOGETHER, case=case.name, file=str(case.path), line=case.line)


def _reference(case: Case) -> str:
    return f"data.cases[{json.dumps(case.topic)}][{json.dumps(case.title)}]"
