"""`regate policy status`: what a gateway started now would decide by."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict

import typer

from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.policy.loading import load
from cli.policy.shadow import compared, print_compared
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.policy import PolicyStatus, load_source, new_engine

_log = logging.getLogger("regate.policy")


def status(path: PolicyFolder = None, as_json: AsJson = False) -> None:
    """Say what a gateway started now would decide by, and what its shadow policy said so far.

    Exit code 1 when it would not start; a shadow policy that cannot be used is only said.
    """
    config = configured(path)
    found = asyncio.run(_status(config))
    candidate = config.shadow_config
    shadow = asyncio.run(_status(candidate)) if candidate else None
    said = compared(config.audit_path, shadow.revision) if shadow and shadow.revision else None
    if as_json:
        document = asdict(found)
        if shadow:
            document["shadow"] = asdict(shadow) | (asdict(said) if said else {})
        typer.echo(json.dumps(document, default=str))
    else:
        typer.echo(f"engine    {found.engine or 'none'}")
        typer.echo(f"policy    {config.policy_path}")
        typer.echo(f"revision  {found.revision or 'none'}")
        typer.echo(f"state     {found.error or 'ready'}")
    if candidate and shadow and not as_json:
        typer.echo(f"\nshadow    {candidate.policy_path}")
        typer.echo(f"revision  {shadow.revision or 'none'}")
        typer.echo(f"state     {shadow.error or 'ready'}")
        if said:
            print_compared(said)
    raise typer.Exit(0 if found.ready else 1)


async def _status(config: Config) -> PolicyStatus:
    name = revision = ""
    try:
        name = new_engine(config, _log).name
        revision = load_source(config.policy_path).revision
        await load(config)
    except ConfigError as error:
        return PolicyStatus(name, revision, ready=False, error=str(error))
    return PolicyStatus(name, revision, ready=True)
