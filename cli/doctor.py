"""`regate doctor`: what is configured, reachable and installed, and what to do about each problem."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from cli.checks import Check
from gateway.audit.files import Folder, are_shared, load_verifier, log_key
from gateway.audit.sealing import last_anchored, load_authorities
from gateway.audit.shipping import Standing, standings
from gateway.config import (
    BUILT_IN,
    Config,
    Issuer,
    ListenTls,
    Provider,
    config_path,
    load_config,
    load_server_key,
    path_of,
)
from gateway.errors import ConfigError, RegateError
from gateway.policy import GET_OPA, PINNED, configured_policy, find_opa
from gateway.state import open_state
from gateway.upstream import probe

_LOW_DISK = 1024**3  # bytes


app = typer.Typer(add_completion=False)


@app.command("doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
    bypass: Annotated[
        bool,
        typer.Option("--bypass", help="From an agent's host: can providers be reached around the gateway?"),
    ] = False,
    gateway: Annotated[str, typer.Option(help="With --bypass: where the gateway is, for agents.")] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(help="With --bypass: only these hosts, with a port where it is not 443."),
    ] = None,
) -> None:
    """Look at everything the gateway needs. Exit code 1 when something stops it from working.

    Example: regate doctor --bypass --gateway https://llm.acme.internal
    """
    if bypass:
        from cli.bypass import HOSTS, ways_around  # here: it loads an HTTP client

        checks = list(ways_around(host or HOSTS, gateway))
    else:
        checks = _checked()
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        _print(checks)
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def _checked() -> list[Check]:
    """Return every check; where the configuration cannot be used, what does not need it."""
    try:
        return list(examine(load_config(config_path())))
    except ConfigError as error:
        return [Check("configuration", str(error), False), *_engines("auto")]


def examine(config: Config) -> Iterator[Check]:
    """Yield every check, in the order in which the gateway needs them."""
    yield Check("configuration", f"{config_path()} is valid")
    yield from _engines(config.policy.engine)
    yield _policy(config)
    yield _detection(config)
    yield _state(config)
    yield _audit(config)
    yield _locks(config)
    if config.audit.anchor:
        yield _anchor(config)
    if config.audit.timestamps:
        yield _timestamps(config)
    if config.audit.origin and (public := config.evidence_key_path.with_suffix(".pub")).exists():
        yield Check("log", f"witnesses know it as {log_key(config.audit.origin, load_verifier(public))}")
    yield from _proofs(config)
    yield from _shipping(config)
    for name, provider in config.providers.items():
        yield from _provider(name, provider, config)


def _engines(wanted: str) -> Iterator[Check]:
    opa = find_opa()
    embedded = importlib.util.find_spec("regorus") is not None
    need_opa = wanted == "sidecar"
    found = f"{opa} (pinned {PINNED})" if opa else "not found"
    yield Check("OPA", found, opa is not None or not need_opa, "" if opa else GET_OPA)
    yield Check(
        "embedded engine",
        "installed" if embedded else "not installed",
        embedded or opa is not None,
        "" if embedded else "run: pip install 'regate[embedded]'",
    )


def _policy(config: Config) -> Check:
    try:
        source = configured_policy(config)
    except RegateError as error:
        return Check("policy", str(error), False, "run: regate policy check")
    return Check("policy", f"{config.policy_path}, revision {source.revision[:12]}")


def _detection(config: Config) -> Check:
    from gateway.detect import Detector, check_installed

    try:
        if config.detect.ner.enabled:
            check_installed()
        version = Detector(config.detect).version
    except RegateError as error:
        return Check("detection", str(error), False, f"correct it in {config_path()}")
    return Check("detection", version)


def _state(config: Config) -> Check:
    try:
        open_state(config.state_path).close()
        load_server_key(config.key_path)
    except RegateError as error:
        return Check("state", str(error), False, "check the file and who may write it")
    return Check("state", str(config.state_path))


def _audit(config: Config) -> Check:
    folder = _nearest(config.audit_path)
    if not os.access(folder, os.W_OK):
        return Check("audit", f"{folder} cannot be written", False, "give the gateway's user the folder")
    free = shutil.disk_usage(folder).free
    state = f"{config.audit_path}, {free / 1024**3:.1f} GiB free"
    return Check(
        "audit", state, free > _LOW_DISK, "" if free > _LOW_DISK else "make room: a full disk refuses traffic"
    )


def _locks(config: Config) -> Check:
    """Try the audit folder's locks from two processes."""
    folder = _nearest(config.audit_path)
    try:
        shared = are_shared(folder)
    except OSError as error:
        return Check("audit locks", f"cannot be tried in {folder}: {error}", False, "see to the folder")
    if shared:
        return Check("audit locks", "keep two processes of this host apart")
    remedy = "move the audit folder to a local disk, and let the gateways of one host alone write it"
    return Check("audit locks", f"do not hold on the file system of {folder}", False, remedy)


def _anchor(config: Config) -> Check:
    last = last_anchored(Folder(config.audit_path))
    if last is None:
        return Check("anchor", f"{config.audit.anchor}, nothing anchored yet")
    if last.failure:
        remedy = "see to the place: until then a rolled-back audit folder does not show"
        return Check("anchor", f"failed at {last.at}: {last.failure}", False, remedy)
    return Check("anchor", f"{config.audit.anchor}, last at {last.at}")


def _timestamps(config: Config) -> Check:
    authority, kept = config.audit.timestamps, Folder(config.audit_path).timestamps
    assert authority
    try:
        trusted = len(load_authorities(Path(authority.ca)))
    except RegateError as error:
        return Check("timestamps", str(error), False, "see to audit.timestamps: the gateway does not start")
    if not kept.exists():
        return Check("timestamps", f"{authority.url}, {trusted} certificates, nothing stamped yet")
    last = datetime.fromtimestamp(kept.stat().st_mtime, UTC)
    return Check("timestamps", f"{authority.url}, last at {last.isoformat(timespec='seconds')}")


def _proofs(config: Config) -> Iterator[Check]:
    """Yield what callers and the gateway prove themselves by, beside keys."""
    for issuer in config.oidc.issuers:
        yield _issuer(config, issuer)
    if config.listen_tls:
        yield _tls(config, config.listen_tls)
    if config.revoked:
        yield _revoked(path_of(config.root, config.revoked))


def _issuer(config: Config, issuer: Issuer) -> Check:
    """Fetch the keys of an issuer, as the gateway does."""
    from gateway.identity import KeySet

    async def fetched() -> str:
        keys = KeySet(issuer, config.root)
        await keys.refresh()
        return keys.failure

    what, failure = f"issuer {issuer.issuer}", asyncio.run(fetched())
    if failure:
        remedy = "check its address, its `ca`, and that this host's clock and network are right"
        return Check(what, f"its keys cannot be fetched: {failure}", False, remedy)
    return Check(what, "its keys are here")


def _tls(config: Config, settings: ListenTls) -> Check:
    from gateway.http.renewed import RenewedContext

    try:
        RenewedContext(settings, config.root)
    except RegateError as error:
        return Check(
            "listen_tls", str(error), False, "check the files, and that key and certificate belong together"
        )
    certificate = x509.load_pem_x509_certificate(path_of(config.root, settings.certificate).read_bytes())
    until = certificate.not_valid_after_utc
    ok = datetime.now(UTC) < until
    return Check(
        "listen_tls", f"the certificate ends {until:%Y-%m-%d %H:%M} UTC", ok, "" if ok else "renew it"
    )


def _revoked(path: Path) -> Check:
    from gateway.identity import RevocationLists

    try:
        ends = RevocationLists(path).ends
    except RegateError as error:
        return Check("revocation lists", str(error), False, f"write them to {path}")
    late = [
        f"{issuer} ended {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
        for issuer, end in ends
        if end < time.time()
    ]
    if late:
        return Check(
            "revocation lists", "; ".join(late), False, "renew them: until then no certificate passes"
        )
    return Check("revocation lists", f"{len(ends)} in force")


def _shipping(config: Config) -> Iterator[Check]:
    try:
        for one in standings(config.audit_path, config.audit.receivers):
            yield _receiver(one)
    except OSError as error:
        yield Check("shipping", f"{config.audit_path} cannot be read: {error}", False, "see to the folder")


def _receiver(one: Standing) -> Check:
    state, what = one.state, f"receiver {one.receiver}"
    dropped = f"; {state.dropped:,} records were dropped by retention before" if state.dropped else ""
    last = f"last shipped at {state.shipped_at}" if state.shipped_at else "nothing shipped yet"
    reached = f"{one.behind:,} records behind, {last}{dropped}"
    if state.failure:
        remedy = "see to it: nothing is lost while the evidence is kept, and it is tried again every minute"
        return Check(what, f"failing since {state.failing_since}: {state.failure}; {reached}", False, remedy)
    return Check(what, f"{one.url}, {reached}")


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _provider(name: str, provider: Provider, config: Config) -> Iterator[Check]:
    """Check one provider at its places; without its credential it is disabled, which stops nothing else."""
    what = f"provider {name}"
    if provider.base_url == BUILT_IN:
        yield Check(what, "built in")
        return
    for probed in probe(provider, config.root, config.vault):
        yield Check(what, f"{probed.place} {probed.state}".strip(), probed.ok, probed.remedy)


def _print(checks: list[Check]) -> None:
    from rich.console import Console  # here: --json needs no table
    from rich.markup import escape
    from rich.table import Column, Table

    # folded, so that no path is cut
    columns = [Column(name, overflow="fold") for name in ("", "what", "state", "what to do")]
    table = Table(*columns, box=None, pad_edge=False)
    for check in checks:
        table.add_row(
            "[green]ok[/]" if check.ok else "[red]!![/]",
            *map(escape, (check.what, check.state, check.remedy)),
        )
    Console().print(table)
