"""`regate policy test`: the policy's own tests."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from cli.policy.folders import PolicyFolder, TestFolder, configured, rego_folders, test_folder
from cli.policy.opa import run_opa
from cli.rego_tests import run_tests
from gateway.config import Config
from gateway.policy import PINNED, find_opa, load_source


def run_policy_tests(path: PolicyFolder = None, tests: TestFolder = None) -> None:
    """Run the policy's tests with `opa test`, or with the embedded engine where there is no opa.

    With opa, every line of the policy must be run by some test.
    """
    config = configured(path)
    opa = find_opa()
    if opa is not None:
        run_opa(opa, "test", "--fail-on-empty", *rego_folders(config, tests))
        _check_coverage(opa, config, tests)
        return
    typer.echo(f"opa {PINNED} is not here: the tests run on the embedded engine", err=True)
    outcomes = run_tests(load_source(config.policy_path), test_folder(config, tests))
    for outcome in outcomes:
        if outcome.error:
            typer.echo(f"{outcome.name}: FAIL ({outcome.error})")
    failed = sum(1 for outcome in outcomes if outcome.error)
    typer.echo(f"PASS: {len(outcomes) - failed}/{len(outcomes)}")
    if failed or not outcomes:
        raise typer.Exit(1)


def _check_coverage(opa: Path, config: Config, tests: Path | None) -> None:
    """Exit with code 1 where no test runs a line of the policy; the tests' own lines do not count."""
    report = json.loads(run_opa(opa, "test", "--coverage", *rego_folders(config, tests), capture=True))
    folder = config.policy_path.resolve()
    missed = 0
    for file, lines in sorted(report.get("files", {}).items()):
        if Path(file).resolve().is_relative_to(folder):
            for span in lines.get("not_covered", []):
                missed += 1
                typer.echo(f"{file}:{span['start']['row']}: no test runs this", err=True)
    if missed:
        typer.echo(f"{folder}: {missed} places without a test, expected none", err=True)
        raise typer.Exit(1)
    typer.echo("coverage: 100 %")
