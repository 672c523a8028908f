"""`regate policy status`: what the running gateway decides by, and what one started now would."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.policy.loading import load
from cli.policy.shadow import Compared, compared, print_compared
from cli.policy.trials import TriedRule, trials
from cli.screen import line
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import PolicyStatus, configured_policy, new_engine, read_reports

_log = logging.getLogger("regate.policy")


def status(path: PolicyFolder = None, as_json: AsJson = False) -> None:
    """Say what each worker decides by, what a gateway started now would, and what the shadow policy said.

    Exit code 1 when the policy on disk cannot be used, or a worker has something else in force; a shadow
    policy that cannot be used is only said.
    """
    config = _config(path)
    found = asyncio.run(_status(config))
    running = read_reports(config.policy_reports_path)
    if as_json:
        shadow = _shadow_document(config)
        tried = {"trials": [asdict(one) for one in _trials(config, found)]}
        typer.echo(json.dumps(asdict(found) | {"running": running} | tried | shadow, default=str))
    else:
        for worker in running:
            _print_worker(worker)
        _print_disk(config, found)
        if not running:
            typer.echo("no gateway is running on this state")
        _print_shadow(config)
    raise typer.Exit(0 if found.ready and all(_follows(worker, found) for worker in running) else 1)


def _config(path: Path | None) -> Config:
    """Return the configuration as the gateway reads it, a bundle included; with `path`, of that folder."""
    return load_config(config_path()) if path is None else configured(path)


def _follows(worker: dict[str, Any], found: PolicyStatus) -> bool:
    return bool(worker["ready"]) and worker["revision"] == found.revision


def _print_worker(worker: dict[str, Any]) -> None:
    typer.echo(f"worker {worker['pid']}")
    typer.echo(f"  engine    {worker['engine']}")
    typer.echo(f"  policy    {worker['origin']}")
    typer.echo(f"  revision  {worker['revision'] or 'none'}   (in force since {worker['loaded_at']})")
    if worker["error"]:
        typer.echo(f"  state     the last good policy stays in force since {worker['failing_since']}")
        typer.echo(f"            {worker['error']}")
    else:
        typer.echo(f"  state     {'ready' if worker['ready'] else 'no decision can be made'}")
    _print_tables(worker.get("tables", {}), worker.get("tables_issued_at"))
    pulled = worker["pulled"]
    if pulled:
        seen = pulled["succeeded_at"] or "never"
        typer.echo(f"  OPA       revision {pulled['revision'] or 'none'}, {pulled['error'] or 'in order'}")
        typer.echo(f"            last success {seen}, failures {pulled['failures']}")


def _print_disk(config: Config, found: PolicyStatus) -> None:
    typer.echo("on disk")
    typer.echo(f"  engine    {found.engine or 'none'}")
    typer.echo(f"  policy    {config.policy_path}")
    typer.echo(f"  revision  {found.revision or 'none'}")
    _print_tables(found.tables, found.tables_issued_at)
    for trial in _trials(config, found):
        typer.echo(line(f"  trial     {trial}"))
    typer.echo(f"  state     {found.error or 'ready'}")


def _trials(config: Config, found: PolicyStatus) -> list[TriedRule]:
    return trials(configured_policy(config), config.audit_path) if found.ready else []


def _print_tables(revisions: Mapping[str, str], issued: object) -> None:
    for name, revision in sorted(revisions.items()):
        typer.echo(f"  table     {name}, revision {revision}")
    if issued:
        typer.echo(f"            in a bundle issued at {issued}")


def _shadow(config: Config) -> tuple[Config, PolicyStatus, Compared | None] | None:
    candidate = config.shadow_config
    if candidate is None:
        return None
    shadow = asyncio.run(_status(candidate))
    return candidate, shadow, compared(config.audit_path, shadow.revision) if shadow.revision else None


def _shadow_document(config: Config) -> dict[str, Any]:
    found = _shadow(config)
    if found is None:
        return {}
    _, shadow, said = found
    return {"shadow": asdict(shadow) | (asdict(said) if said else {})}


def _print_shadow(config: Config) -> None:
    found = _shadow(config)
    if found is None:
        return
    candidate, shadow, said = found
    typer.echo(f"\nshadow    {candidate.policy_path}")
    typer.echo(f"revision  {shadow.revision or 'none'}")
    typer.echo(f"state     {shadow.error or 'ready'}")
    if said:
        print_compared(said)


async def _status(config: Config) -> PolicyStatus:
    name = revision = ""
    origin = str(config.policy_path)
    try:
        name = new_engine(config, _log).name
        source = configured_policy(config)
        revision = source.revision
        if fault := source.tables.too_old(config.tables_max_age_seconds):
            raise ConfigError(fault)
        await load(config)
    except (ConfigError, PolicyUnavailable) as error:
        return PolicyStatus(name, revision, ready=False, error=str(error), origin=origin)
    tables, issued = dict(source.tables.revisions), source.tables.issued_at
    return PolicyStatus(name, revision, ready=True, origin=origin, tables=tables, tables_issued_at=issued)
