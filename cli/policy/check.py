"""`regate policy check` and `regate policy fmt`: what is wrong with the files."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli.policy.folders import PolicyFolder, TestFolder, configured, rego_folders
from cli.policy.loading import load
from cli.policy.opa import run_opa
from gateway.errors import ConfigError
from gateway.policy import PINNED, find_opa, load_source


def check(path: PolicyFolder = None, tests: TestFolder = None) -> None:
    """Load the policy as the gateway would, then look at it as strictly as OPA can. Exit code 1: a fault."""
    config = configured(path)
    revision = load_source(config.policy_path).revision
    asyncio.run(load(config))
    opa = find_opa()
    if opa is None:
        typer.echo(
            f"opa {PINNED} is not here: neither the strict check nor the format was looked at", err=True
        )
    else:
        folders = rego_folders(config, tests)
        run_opa(opa, "check", "--strict", *folders)
        if run_opa(opa, "fmt", "--list", *folders, capture=True).strip():
            run_opa(opa, "fmt", "--diff", *folders)
            typer.echo("regate: Rego is not formatted; run: regate policy fmt", err=True)
            raise typer.Exit(1)
    typer.echo(f"{config.policy_path}: in order, revision {revision}")


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
    run_opa(opa, "fmt", *(("--fail", "--list") if only_check else ("--write",)), *rego_folders(config, tests))
