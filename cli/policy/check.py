"""`regate policy check` and `regate policy fmt`: what is wrong with the files."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from cli.policy.cases import case_faults, read_cases, verdict_names
from cli.policy.csv_truths import csv_truths
from cli.policy.faults import PolicyFault, fault_of
from cli.policy.folders import AsJson, PolicyFolder, TestFolder, configured, rego_folders
from cli.policy.going import going
from cli.policy.lint import lint
from cli.policy.opa import compile_faults, run_opa, unformatted
from cli.policy.syntax import parse_all
from cli.policy.tools import OfferedTool, offered, rego_faults, setting_faults
from cli.policy.typed import untyped_faults
from cli.policy.waivers import expired
from cli.rego_tests import rego_files
from cli.screen import block, line
from gateway.config import Config, Detect, config_path
from gateway.contract import schema_of
from gateway.errors import ConfigError, RegateError
from gateway.policy import GET_OPA, PINNED, PolicySource, find_opa, tables_at
from gateway.policy.engine import embedded_available
from gateway.policy.source import (
    SETTINGS,
    Names,
    built_in,
    declared,
    examine,
    missing_tables,
    unknown_names,
)

_log = logging.getLogger("regate.policy")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and what could not be checked on this machine."""

    revision: str
    faults: Sequence[PolicyFault]
    going: Sequence[PolicyFault]  # what works for one more release
    not_looked_at: Sequence[str]


ToolFiles = Annotated[
    list[Path] | None,
    typer.Option("--tools", help="Definitions of the agents' tools, to hold the policy against."),
]


def check(
    path: PolicyFolder = None,
    tests: TestFolder = None,
    tools: ToolFiles = None,
    as_json: AsJson = False,
) -> None:
    """Look at the policy as strictly as Regate and OPA can, and load it as a gateway would.

    Every fault is one line: file, line, what is wrong, what to do. Exit code 0: in order; 1: faults.
    """
    config = configured(path)
    known = offered(tools or ())
    found = look_at(config, rego_folders(config, tests), known)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for fault in (*found.faults, *found.going):
            typer.echo(block(str(fault)), err=True)
        for missing in found.not_looked_at:
            typer.echo(f"not looked at: {missing}", err=True)
        if found.faults:
            typer.echo(f"{config.policy_path}: {len(found.faults)} faults", err=True)
        else:
            typer.echo(f"{config.policy_path}: in order, revision {found.revision}")
        for tool in known:
            typer.echo(f"tool {line(tool.name)}  {tool.digest or 'without a schema'}")
    raise typer.Exit(1 if found.faults else 0)


def look_at(config: Config, folders: Sequence[Path], tools: Sequence[OfferedTool] = ()) -> Findings:
    """Find every fault of the policy, its tests' syntax and format included. Raises OpaFailed."""
    source, errors = examine(config.policy_path)
    faults = {fault_of(error, str(config.policy_path)) for error in errors}
    try:
        source = replace(source, tables=tables_at(config.tables_path, config.tables_key_path))
        faults.update(fault_of(each, "") for each in missing_tables(source))
    except ConfigError as error:
        faults.add(fault_of(error, str(config.tables_path)))
    faults.update(_detection(config))
    if not errors:
        faults.update(_unspoken(source))
        faults.update(expired(source))
        names = {**_names(config), "rule": verdict_names(source)}
        faults.update(fault_of(each, "") for each in unknown_names(source, names))
        faults.update(setting_faults(source, tools) if tools else ())
        for folder in folders[1:]:
            faults.update(case_faults(read_cases(folder), source))
    missing: list[str] = []
    opa = find_opa()
    if opa is None:
        missing.append(f"strictness, types, format, METADATA and built-ins, for opa {PINNED} is not here")
    else:
        faults.update(_by_opa(opa, config, folders, tools))
    if not embedded_available():
        missing.append("the embedded engine, which is not installed")
    if not faults:
        faults.update(asyncio.run(_load(config, source, opa)))
    return Findings(source.revision, sorted(faults), sorted(going(source)), missing)


def _detection(config: Config) -> Iterator[PolicyFault]:
    """Find what `regate up` would refuse of `detect`: its patterns are compiled when a gateway starts."""
    if config.detect == Detect():
        return
    from gateway.detect import Detector  # the analyzers take seconds to import: only what is set needs them

    try:
        Detector(config.detect)
    except ConfigError as error:
        yield fault_of(error, str(config_path()))


def _by_opa(
    opa: Path, config: Config, folders: Sequence[Path], tools: Sequence[OfferedTool]
) -> Iterator[PolicyFault]:
    policy = config.policy_path
    csv_tables = {path.stem for path in config.tables_path.glob("*.csv")}
    files = [path for folder in folders for path in rego_files(folder)]
    with resources.as_file(resources.files("gateway.contract") / "schemas") as schemas:
        faults = compile_faults(opa, folders, schemas)
        # a process a file: where there is no fault, all of them parse, and those of the policy are enough
        modules = parse_all(opa, files if faults else [path for path in files if path.is_relative_to(policy)])
        own = [module for module in modules if module.path.is_relative_to(policy)]
        yield from faults
        yield from untyped_faults(opa, policy, own, schemas)
    yield from unformatted(opa, [module.path for module in modules] if faults else files)
    for module in own:
        yield from lint(module)
        yield from csv_truths(module, csv_tables)
        yield from rego_faults(module, tools) if tools else ()


def _unspoken(source: PolicySource) -> Iterator[PolicyFault]:
    """Find settings that no schema describes: a misspelling in them would go unnoticed."""
    spoken = set(schema_of("settings")["properties"])
    for name, text in source.modules.items():
        spoken |= {steps[0] for steps, _ in declared(source.root / name, text)}
    for name in sorted(source.data.get(SETTINGS, {}).keys() - spoken):
        yield PolicyFault(
            str(source.root / SETTINGS),
            0,
            f"nothing says what {SETTINGS}.{name} may be",
            f"give data.{SETTINGS}.{name} a schema in METADATA of the package that reads it, or remove it",
        )


def _names(config: Config) -> Names:
    """Return what settings may name: also what only this gateway has, which others may have otherwise."""
    groups: set[str] = set()
    agents: list[str] = []
    if config.state_path.exists():
        from cli.opened import opened_state  # here: a policy is looked at without a state, too
        from gateway.state import Keys

        with opened_state(config) as state:
            keys = Keys(state).list()
        groups, agents = {group for key in keys for group in key.groups}, [key.agent for key in keys]
    groups |= config.caller_groups
    found = {**built_in(config), "provider": list(config.providers)}
    return {**found, "group": sorted(groups | {"default"}), "agent": agents} if groups else found


async def _load(config: Config, source: PolicySource, opa: Path | None) -> list[PolicyFault]:
    """Load the policy into each engine of this machine and return their complaints."""
    from gateway.policy.engine import (
        Embedded,
        Sidecar,
    )  # the client of OPA takes longer to import than all else

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
        raise ConfigError(f"formatting needs opa: {GET_OPA}")
    mode = ("--fail", "--list") if only_check else ("--write",)
    run = run_opa(opa, "fmt", *mode, *rego_folders(config, tests))
    typer.echo(run.out, nl=False)
    typer.echo(run.err, nl=False, err=True)
    raise typer.Exit(1 if run.code else 0)
