"""`regate doctor`: what is configured, reachable and installed, and what to do about each problem."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from gateway.audit.files import Folder, are_shared
from gateway.audit.sealing import last_anchored
from gateway.config import Config, Provider, config_path, load_config, load_server_key, resolve_reference
from gateway.errors import RegateError
from gateway.policy import PINNED, configured_policy, find_opa
from gateway.state import open_state

_LOW_DISK = 1024**3  # bytes
_CONNECT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` is empty when all is well."""

    what: str
    state: str
    ok: bool = True
    remedy: str = ""


app = typer.Typer()


@app.command("doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Look at everything the gateway needs. Exit code 1 when something stops it from working.

    Example: regate doctor
    """
    config = load_config(config_path())
    findings = list(examine(config))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        _print(findings)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def examine(config: Config) -> Iterator[Finding]:
    """Every check, in the order in which the gateway meets them."""
    yield Finding("configuration", f"{config_path()} is valid")
    yield from _engines(config)
    yield _policy(config)
    yield _detection(config)
    yield _state(config)
    yield _audit(config)
    yield _locks(config)
    if config.audit.anchor:
        yield _anchor(config)
    for name, provider in config.providers.items():
        yield _provider(name, provider)


def _engines(config: Config) -> Iterator[Finding]:
    opa = find_opa()
    embedded = importlib.util.find_spec("regorus") is not None
    need_opa = config.policy.engine == "sidecar"
    found = f"{opa} (pinned {PINNED})" if opa else "not found"
    yield Finding("OPA", found, opa is not None or not need_opa, "" if opa else "run: make setup")
    yield Finding(
        "embedded engine",
        "installed" if embedded else "not installed",
        embedded or opa is not None,
        "" if embedded else "run: pip install 'regate[embedded]'",
    )


def _policy(config: Config) -> Finding:
    try:
        source = configured_policy(config)
    except RegateError as error:
        return Finding("policy", str(error), False, "run: regate policy check")
    return Finding("policy", f"{config.policy_path}, revision {source.revision[:12]}")


def _detection(config: Config) -> Finding:
    from gateway.detect import Detector, check_installed

    try:
        if config.detect.ner.enabled:
            check_installed()
        version = Detector(config.detect).version
    except RegateError as error:
        return Finding("detection", str(error), False, f"correct it in {config_path()}")
    return Finding("detection", version)


def _state(config: Config) -> Finding:
    try:
        open_state(config.state_path).close()
        load_server_key(config.key_path)
    except RegateError as error:
        return Finding("state", str(error), False, "check the file and who may write it")
    return Finding("state", str(config.state_path))


def _audit(config: Config) -> Finding:
    folder = _nearest(config.audit_path)
    if not os.access(folder, os.W_OK):
        return Finding("audit", f"{folder} cannot be written", False, "give the gateway's user the folder")
    free = shutil.disk_usage(folder).free
    state = f"{config.audit_path}, {free / 1024**3:.1f} GiB free"
    return Finding(
        "audit", state, free > _LOW_DISK, "" if free > _LOW_DISK else "make room: a full disk refuses traffic"
    )


def _locks(config: Config) -> Finding:
    """Try the audit folder's locks from two processes."""
    folder = _nearest(config.audit_path)
    try:
        shared = are_shared(folder)
    except OSError as error:
        return Finding("audit locks", f"cannot be tried in {folder}: {error}", False, "see to the folder")
    if shared:
        return Finding("audit locks", "keep two processes of this host apart")
    remedy = "move the audit folder to a local disk, and let the gateways of one host alone write it"
    return Finding("audit locks", f"do not hold on the file system of {folder}", False, remedy)


def _anchor(config: Config) -> Finding:
    last = last_anchored(Folder(config.audit_path))
    if last is None:
        return Finding("anchor", f"{config.audit.anchor}, nothing anchored yet")
    if last.failure:
        remedy = "see to the place: until then a rolled-back audit folder does not show"
        return Finding("anchor", f"failed at {last.at}: {last.failure}", False, remedy)
    return Finding("anchor", f"{config.audit.anchor}, last at {last.at}")


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _provider(name: str, provider: Provider) -> Finding:
    """A provider without its credential is disabled; that stops nothing else."""
    what = f"provider {name}"
    if provider.base_url == "builtin:demo":
        return Finding(what, "built in")
    if provider.credential and resolve_reference(provider.credential) is None:
        return Finding(
            what, f"disabled: {provider.credential} is not set", True, "set it to enable the provider"
        )
    url = urlsplit(provider.base_url)
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError as error:
        return Finding(
            what, f"{provider.base_url} cannot be reached: {error}", False, "check address and network"
        )
    return Finding(what, f"{provider.base_url} answers")


def _print(findings: list[Finding]) -> None:
    table = Table("", "what", "state", "what to do", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(
            "[green]ok[/]" if finding.ok else "[red]!![/]", finding.what, finding.state, finding.remedy
        )
    Console().print(table)
