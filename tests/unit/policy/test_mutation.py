"""The policy's tests notice every change of the policy: no mutant of the library passes them all.

A fifth of the mutants is tried, and all of them by `make thorough`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.policy import load_source
from tests.support.effort import THOROUGH, share
from tests.unit.policy.conftest import LIBRARY
from tests.unit.policy.mutants import Mutant, mutants

ROOT = LIBRARY.parents[1]
WORKERS = 2

# Mutants that no test can tell from the original, by name, each with its reason.
EQUIVALENT = {
    "rules/attributes.rego: removed: true": "a body of `true` says the same as none",
    'main.rego: removed: "allow" in actions': (
        "without an allow there is the deny regate.no_allow already; a hole in that rule would be no allow"
    ),
    "main.rego: else removed: else if { count(verdict) == 7 _readable_mask(verdict) }": (
        "a short cut for verdicts with masks: the branch after it says the same, slower"
    ),
    'main.rego: else removed: else := { "action": "allow", "reasons": [], "warnings": [], "mask": [], '
    '"approval": data.settings.approval, "record": data.settings.record, "response": data.settings.response, '
    '"retry_after": 0, } if { _only_allowed }': (
        "a short cut for what is only allowed: the branch after it says the same, slower"
    ),
    "main.rego: removed: data.settings.waivers != []": (
        "without waivers none holds: their tickets are no set then, slower"
    ),
    "rules/budgets.rego: removed: budgets != {}": "who has no budget limits nothing: the same, slower",
    "lib/entities.rego: removed: row.entity in _named": (
        "a finding that is treated by its category too gives the same verdict twice: the same, slower"
    ),
    'lib/settings.rego: removed: object.keys(speaker) & {"entities", "categories"} != set()': (
        "who says nothing of entities and categories adds nothing to their terms: the same, slower"
    ),
    **dict.fromkeys(
        (
            "lib/settings.rego: removed: _limits(own)",
            "lib/settings.rego: removed: _limits(own) (2)",
            "lib/settings.rego: removed: _limits(provider)",
            "lib/settings.rego: removed: own.only",
            "lib/settings.rego: removed: own.deny",
        ),
        "who says nothing of limits sets none: the same, slower",
    ),
}


@pytest.mark.timeout(1200)
def test_every_mutant_of_the_library_fails_a_test(opa: Path) -> None:
    pytest.importorskip("regorus", reason="the embedded engine is not installed")
    every = [mutant for file in load_source(LIBRARY).modules for mutant in mutants(opa, LIBRARY, file)]
    assert len({mutant.name for mutant in every}) == len(every) > 500, "expected mutants of every rule"
    every = share(every, 8)
    original = [Mutant(file, 0, file, text) for file, text in load_source(LIBRARY).modules.items()]
    passing = _survivors([*original, *every])
    assert [each for each in passing if each in original] == sorted(original), (
        "the tests fail without a mutant"
    )
    survivors = [each for each in passing if each not in original]
    unexplained = [f"{each.row}: {each.name}" for each in survivors if each.name not in EQUIVALENT]
    assert not unexplained, "\n".join(["no test fails without or with these:", *unexplained])
    tried = {each.name for each in every}
    assert {each.name for each in survivors} == EQUIVALENT.keys() & tried, "EQUIVALENT names a killed mutant"
    assert not THOROUGH or tried >= EQUIVALENT.keys(), "EQUIVALENT names what is no mutant"


def _survivors(every: list[Mutant]) -> list[Mutant]:
    """Those that pass all of the policy's tests, tried by two programs at once."""
    command = [sys.executable, "-m", "tests.unit.policy.mutation_worker"]
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        for _ in range(WORKERS)
    ]
    with ThreadPoolExecutor(WORKERS) as threads:
        shares = [every[number::WORKERS] for number in range(WORKERS)]
        answers = list(threads.map(_answer, workers, shares))
    return sorted(mutant for answer in answers for mutant in answer)


def _answer(worker: subprocess.Popen[bytes], share: list[Mutant]) -> list[Mutant]:
    """The share's survivors. stderr is dropped: regorus tells there of every mutant that it cannot order."""
    tasks = [[mutant.file, mutant.row, mutant.text] for mutant in share]
    out, _ = worker.communicate(json.dumps(tasks).encode())
    assert worker.returncode == 0, "a worker failed"
    return [mutant for mutant, survived in zip(share, json.loads(out), strict=True) if survived]
