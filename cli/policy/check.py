"""`regate policy check` and `regate policy fmt`: what is wrong with the files."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from cli.policy.faults import PolicyFault, fault_of
from cli.policy.folders import AsJson, PolicyFolder, TestFolder, configured, rego_folders
from cli.policy.lint import lint
from cli.policy.opa import compile_faults, run_opa, unformatted
from cli.policy.syntax import parse_all
from cli.rego_tests import rego_files
from cli.screen import block
from gateway.config import Config
from gateway.errors import ConfigError, RegateError
from gateway.policy import PINNED, PolicySource, find_opa
from gateway.policy.engine import Embedded, Sidecar, embedded_available
from gateway.policy.source import SETTINGS, declared, examine, library_schema

_log = logging.getLogger("regate.policy")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and what could not be checked on this machine."""

    revision: str
    faults: Sequence[PolicyFault]
    not_looked_at: Sequence[str]


def check(path: PolicyFolder = None, tests: TestFolder = None, as_json: AsJson = False) -> None:
    """Look at the policy as strictly as Regate and OPA can, and load it as a gateway would.

    Every fault is one line: file, line, what is wrong, what to do. Exit code 0: in order; 1: faults.
    """
    config = configured(path)
    found = look_at(config, rego_folders(config, tests))
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for fault in found.faults:
            typer.echo(block(str(fault)), err=True)
        for missing in found.not_looked_at:
            typer.echo(f"not looked at: {missing}", err=True)
        if found.faults:
            typer.echo(f"{config.policy_path}: {len(found.faults)} faults", err=True)
        else:
            typer.echo(f"{config.policy_path}: in order, revision {found.revision}")
    raise typer.Exit(1 if found.faults else 0)


def look_at(config: Config, folders: Sequence[Path]) -> Findings:
    """Find every fault of the policy, its tests' syntax and format included. Raises OpaFailed."""
    source, errors = examine(config.policy_path)
    faults = {fault_of(error, str(config.policy_path)) for error in errors}
    faults.update(_unspoken(source) if not errors else ())
    missing: list[str] = []
    opa = find_opa()
    if opa is None:
        missing.append(f"strictness, types, format, METADATA and built-ins, for opa {PINNED} is not here")
    else:
        faults.update(_by_opa(opa, config.policy_path, folders))
    if not embedded_available():
        missing.append("the embedded engine, which is not installed")
    if not faults:
        faults.update(asyncio.run(_load(config, source, opa)))
    return Findings(source.revision, sorted(faults), missing)


def _by_opa(opa: Path, policy: Path, folders: Sequence[Path]) -> Iterator[PolicyFault]:
    with resources.as_file(resources.files("gateway.contract") / "schemas") as schemas:
        yield from compile_faults(opa, folders, schemas)
    modules = parse_all(opa, [path for folder in folders for path in rego_files(folder)])
    yield from unformatted(opa, [module.path for module in modules])
    for module in modules:
        if module.path.is_relative_to(policy):
            yield from lint(module)


def _unspoken(source: PolicySource) -> Iterator[PolicyFault]:
    """Find settings that no schema describes: a misspelling in them would go unnoticed."""
    spoken = set(library_schema()["properties"])
    for name, text in source.modules.items():
        spoken |= {steps[0] for steps, _ in declared(source.root / name, text)}
    for name in sorted(source.data.get(SETTINGS, {}).keys() - spoken):
        yield PolicyFault(
            str(source.root / SETTINGS),
            0,
            f"nothing says what {SETTINGS}.{name} may be",
            f"give data.{SETTINGS}.{name} a schema in the METADATA of the package that reads it",
        )


async def _load(config: Config, source: PolicySource, opa: Path | None) -> list[PolicyFault]:
    """Load the policy into each engine of this machine and return their complaints."""
    engines: list[Sidecar | Embedded] = []
    if opa:
        engines.append(Sidecar(opa, config.policy.timeout_seconds, _log))
    if embedded_available():
        quiet = logging.getLogger("regate.policy.check")
        quiet.setLevel(logging.ERROR)  # that the engine is the embedded one is no news here
        engines.append(Embedded(config.policy.timeout_seconds, quiet))
    faults = []
    for engine in engines:
        try:
            await engine.start(source)
        except RegateError as error:
            what = fault_of(error, str(source.root))
            faults.append(PolicyFault(what.file, what.line, f"{engine.name}: {what.what}", what.todo))
        finally:
            await engine.close()
    return faults


def fmt(
    path: PolicyFolder = None,
    tests: TestFolder = None,
    only_check: Annotated[bool, typer.Option("--check", help="Change nothing; list the files.")] = False,
) -> None:
    """Put the Rego files into OPA's one format. With --check, exit code 1 where some are not."""
    config = configured(path)
    opa = find_opa()
    if opa is None:
        raise ConfigError(f"formatting needs opa {PINNED}: run make setup")
    mode = ("--fail", "--list") if only_check else ("--write",)
    run = run_opa(opa, "fmt", *mode, *rego_folders(config, tests))
    typer.echo(run.out, nl=False)
    typer.echo(run.err, nl=False, err=True)
    raise typer.Exit(1 if run.code else 0)
