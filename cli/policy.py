"""`regate policy`: check, test, format and try the Rego files that decide."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cli.rego_tests import run_tests
from gateway.config import Config, config_path, load_config
from gateway.decision import Decision, to_document
from gateway.errors import ConfigError
from gateway.policy import PINNED, PolicyStatus, find_opa, load_source, new_engine

app = typer.Typer(help="Check, test, format and try policy.", no_args_is_help=True)

_log = logging.getLogger("regate.policy")
_Folder = Annotated[Path | None, typer.Option("--path", help="The policy folder. [default: policy.path]")]
_Tests = Annotated[Path | None, typer.Option("--tests", help="The tests. [default: policy_tests]")]


@app.command(epilog="Example: regate policy check")
def check(path: _Folder = None, tests: _Tests = None) -> None:
    """Load the policy as the gateway would, then look at it as strictly as OPA can. Exit code 1: a fault."""
    config = _config(path)
    revision = load_source(config.policy_path).revision
    asyncio.run(_start(config))
    opa = find_opa()
    if opa is None:
        typer.echo(
            f"opa {PINNED} is not here: neither the strict check nor the format was looked at", err=True
        )
    else:
        folders = _folders(config, tests)
        _run(opa, "check", "--strict", *folders)
        if _run(opa, "fmt", "--list", *folders, capture=True).strip():
            _run(opa, "fmt", "--diff", *folders)
            typer.echo("regate: Rego is not formatted; run: regate policy fmt", err=True)
            raise typer.Exit(1)
    typer.echo(f"{config.policy_path}: in order, revision {revision}")


@app.command("test", epilog="Example: regate policy test")
def run_policy_tests(path: _Folder = None, tests: _Tests = None) -> None:
    """Run the policy's tests with `opa test`, or with the embedded engine where there is no opa.

    With opa, every line of the policy must be run by some test.
    """
    config = _config(path)
    opa = find_opa()
    if opa is not None:
        _run(opa, "test", "--fail-on-empty", *_folders(config, tests))
        _check_coverage(opa, config, tests)
        return
    typer.echo(f"opa {PINNED} is not here: the tests run on the embedded engine", err=True)
    outcomes = run_tests(load_source(config.policy_path), _test_folder(config, tests))
    for outcome in outcomes:
        if outcome.error:
            typer.echo(f"{outcome.name}: FAIL ({outcome.error})")
    failed = sum(1 for outcome in outcomes if outcome.error)
    typer.echo(f"PASS: {len(outcomes) - failed}/{len(outcomes)}")
    if failed or not outcomes:
        raise typer.Exit(1)


@app.command(epilog="Example: regate policy fmt --check")
def fmt(
    path: _Folder = None,
    tests: _Tests = None,
    only_check: Annotated[bool, typer.Option("--check", help="Change nothing; list the files.")] = False,
) -> None:
    """Put the Rego files into OPA's one format. With --check, exit code 1 where some are not."""
    config = _config(path)
    opa = find_opa()
    if opa is None:
        raise ConfigError(f"formatting needs opa {PINNED}: run make setup")
    _run(opa, "fmt", *(("--fail", "--list") if only_check else ("--write",)), *_folders(config, tests))


@app.command("eval", epilog="Example: regate policy eval input.json")
def evaluate(
    file: Annotated[Path, typer.Argument(help="An input document in JSON (docs/reference/policy.md).")],
    path: _Folder = None,
) -> None:
    """Print the decision on one input document."""
    config = _config(path)
    document = _document(file)
    decision = asyncio.run(_start(config, document))
    assert decision is not None
    typer.echo(json.dumps(to_document(decision), ensure_ascii=False, indent=2))


@app.command(epilog="Example: regate policy status --json")
def status(
    path: _Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a gateway started now would decide by. Exit code 1 when it would not start."""
    config = _config(path)
    found = asyncio.run(_status(config))
    if as_json:
        typer.echo(json.dumps(asdict(found), default=str))
    else:
        typer.echo(f"engine    {found.engine or 'none'}")
        typer.echo(f"policy    {config.policy_path}")
        typer.echo(f"revision  {found.revision or 'none'}")
        typer.echo(f"state     {found.error or 'ready'}")
    raise typer.Exit(0 if found.ready else 1)


def _config(path: Path | None) -> Config:
    config = load_config(config_path())
    if path is None:
        return config
    return msgspec.structs.replace(
        config, policy=msgspec.structs.replace(config.policy, path=str(path.absolute()))
    )


def _test_folder(config: Config, tests: Path | None) -> Path:
    return tests or config.root / "policy_tests"


def _folders(config: Config, tests: Path | None) -> list[str]:
    """The policy's folder and, where there is one, that of its tests."""
    folder = _test_folder(config, tests)
    if tests is not None and not folder.is_dir():
        raise ConfigError(f"{folder}: expected a folder of policy tests")
    return [str(config.policy_path), *([str(folder)] if folder.is_dir() else [])]


def _run(opa: Path, *arguments: str, capture: bool = False) -> str:
    """Run opa and pass its exit code on, when it is not 0."""
    run = subprocess.run(  # noqa: S603 - the operator's own binary, no shell
        [opa, *arguments], stdout=subprocess.PIPE if capture else None, text=True, check=False
    )
    if run.returncode:
        raise typer.Exit(run.returncode)
    return run.stdout or ""


def _check_coverage(opa: Path, config: Config, tests: Path | None) -> None:
    """Exit with code 1 where no test runs a line of the policy; the tests' own lines do not count."""
    report = json.loads(_run(opa, "test", "--coverage", *_folders(config, tests), capture=True))
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


async def _start(config: Config, document: dict[str, Any] | None = None) -> Decision | None:
    """Load the policy into its engine, ask it about `document` if there is one, and end the engine."""
    engine = new_engine(config, _log)
    try:
        await engine.start(load_source(config.policy_path))
        return None if document is None else await engine.decide(document)
    finally:
        await engine.close()


async def _status(config: Config) -> PolicyStatus:
    name = revision = ""
    try:
        name = new_engine(config, _log).name
        revision = load_source(config.policy_path).revision
        await _start(config)
    except ConfigError as error:
        return PolicyStatus(name, revision, ready=False, error=str(error))
    return PolicyStatus(name, revision, ready=True)


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected a JSON object")
    return document
