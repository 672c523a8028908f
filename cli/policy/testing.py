"""`regate policy test`: the policy's own tests."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from cli import rego_tests
from cli.policy import opa_tests
from cli.policy.almost import Almost, almost, verdicts_of
from cli.policy.apart import TOGETHER, can_stand_apart, module_folder, module_of, named, other_than
from cli.policy.cases import Case, case_faults, read_cases
from cli.policy.failing import Decisions, explained
from cli.policy.folders import AsJson, PolicyFolder, TestFolder, configured, rego_folders, test_folder
from cli.policy.opa import OpaFailed
from cli.rego_report import Outcome, TestReport, write_junit
from cli.screen import block
from gateway.config import Config
from gateway.errors import RegateError
from gateway.policy import PINNED, PolicySource, find_opa, load_source

_LOOK_SECONDS = 0.5


def run_policy_tests(
    path: PolicyFolder = None,
    tests: TestFolder = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run the tests again after every edit.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit's XML to this file too.")] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds that a test may take.")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Run the policy's tests with `opa test`, or with the embedded engine where there is no opa.

    Every line of the policy must be run by some test. Exit code 0: all pass; 1: a test fails or a line is not
    run; 2: the tests cannot be run.
    """
    config = configured(path)
    if watch:
        _watch(config, tests, junit, timeout)
    report = run_tests(config, tests, timeout)
    if junit:
        write_junit(report, junit)
    if as_json:
        typer.echo(json.dumps(report.document(), ensure_ascii=False))
    else:
        _tell(report)
    raise typer.Exit(0 if report.passed else 1)


def run_tests(config: Config, tests: Path | None, seconds: float) -> TestReport:
    """Run the tests; a case that says what no case can say fails, too."""
    folders, folder = rego_folders(config, tests), test_folder(config, tests)
    source = load_source(config.policy_path)
    cases = list(read_cases(folder))
    opa = find_opa()
    if opa is None:
        typer.echo(f"opa {PINNED} is not here: the tests run on the embedded engine", err=True)
    report = _report(opa, config, folders, folder, source, cases, seconds)

    def decide(query: str) -> Decisions:
        found: Decisions = (
            opa_tests.evaluate(opa, folders, query) if opa else rego_tests.evaluate(source, folder, query)
        )
        return found

    verdicts = cache(verdicts_of)  # parsed once, where a case fails

    def silent(query: str, wanted: Sequence[str]) -> Sequence[Almost]:
        if opa is None:
            return ()
        try:
            steps = opa_tests.traced(opa, folders, query)
            return almost(verdicts(opa, config.policy_path), steps, wanted)
        except OpaFailed:  # a rule that loops; what is known of the case is told all the same
            return ()

    told = explained(report.outcomes, {case.name: case for case in cases}, decide, silent)
    outcomes = sorted(
        told, key=lambda each: (each.file, each.line, each.title)
    )  # OPA gives cases in any order
    faults = [
        Outcome("data.policy_tests.cases", error=fault.said, file=fault.file, line=fault.line)
        for fault in case_faults(cases, source)
    ]
    return replace(report, outcomes=[*faults, *outcomes]) if faults or outcomes != report.outcomes else report


def _report(
    opa: Path | None,
    config: Config,
    folders: Sequence[Path],
    folder: Path,
    source: PolicySource,
    cases: Sequence[Case],
    seconds: float,
) -> TestReport:
    """Run all tests, each case by itself where the tests have Regate's harness."""
    apart = cases if can_stand_apart(folder) else ()
    if opa is None:
        more, without = ({"apart_test.rego": module_of(apart)}, TOGETHER) if apart else ({}, "\n")
        report = rego_tests.run_tests(source, folder, seconds=seconds, more=more, without=without)
    elif apart:
        with module_folder(apart) as module:
            report = opa_tests.run_tests(
                opa, config.policy_path, [*folders, module], seconds, only=other_than(TOGETHER)
            )
    else:
        report = opa_tests.run_tests(opa, config.policy_path, folders, seconds)
    return replace(report, outcomes=named(report.outcomes, apart))


def _tell(report: TestReport) -> None:
    for told in report.lines():
        typer.echo(block(told))


def _watch(config: Config, tests: Path | None, junit: Path | None, seconds: float) -> None:
    """Run them, and again after each edit, until Ctrl-C."""
    seen: object = None
    while True:
        looked = _fingerprint(rego_folders(config, tests))
        if looked != seen:
            seen = looked
            _run_once(config, tests, junit, seconds)
            typer.echo("waiting for an edit; Ctrl-C ends")
        time.sleep(_LOOK_SECONDS)


def _run_once(config: Config, tests: Path | None, junit: Path | None, seconds: float) -> None:
    """Run the tests once; report a broken edit and return."""
    try:
        report = run_tests(config, tests, seconds)
        if junit:
            write_junit(report, junit)
        _tell(report)
    except RegateError as error:
        typer.echo(f"regate: {error}", err=True)


def _fingerprint(folders: list[Path]) -> object:
    """Return what changes when a file changes, or goes away."""
    prints = []
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            try:
                state = file.stat()
            except OSError:
                continue
            if file.suffix in (".rego", ".yaml", ".yml", ".json"):
                prints.append((str(file), state.st_ino, state.st_size, state.st_mtime_ns))
    return prints
