"""`regate policy keygen`, `build` and `inspect`: policy as one signed file."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.opened import note_act
from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.screen import line
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError
from gateway.policy import PolicySource, Shelf, load_source, new_engine
from gateway.policy.bundle import (
    Algorithm,
    Bundle,
    SigningKey,
    VerifyKey,
    build_bundle,
    build_table_bundle,
    check_signature,
    create_signing_key,
    describe_bundle,
    load_signing_key,
    load_verify_key,
    read_archive,
)
from gateway.policy.source import read_tables, revision_of

_log = logging.getLogger("regate.policy")
VerifyKeyFile = Annotated[
    Path | None,
    typer.Option("--verify-key", help="The public key. [default: policy.verify_key, or keygen's]"),
]


def keygen(
    out: Annotated[
        Path | None, typer.Option("--out", help="The private key. [default: policy.key beside the state]")
    ] = None,
    algorithm: Annotated[str, typer.Option(help="ES256, or RS256 for verifiers without ES256.")] = "ES256",
    as_json: AsJson = False,
) -> None:
    """Make the key pair that signs bundles: the private half (mode 0600) and, beside it, the public one."""
    config = load_config(config_path())
    path = out or config.signing_key_path
    for folder in (config.policy_path, config.bundles_path):
        if path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"{path}: expected a place outside {folder}, whose files go to others")
    wanted = _algorithm(algorithm)
    note_act(config, "signing_key_created", path=str(path), algorithm=wanted)
    key, public = create_signing_key(path, wanted)
    if as_json:
        found = {"private": str(path), "public": str(public), "key_id": key.public.key_id}
        typer.echo(json.dumps(found | {"algorithm": key.public.algorithm}))
        return
    typer.echo(f"private key  {path}   (keep it here: it signs what OPAs believe)")
    typer.echo(f"public key   {public}   (policy.verify_key, and the `keys` of an OPA)")
    typer.echo(f"key id       {key.public.key_id}   ({key.public.algorithm})")


def build(
    path: PolicyFolder = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The private key. [default: policy.key beside the state]")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The bundle. [default: bundles/policy-<revision>.tar.gz]"),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Write the tables of this folder instead, to bundles/tables.tar.gz."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the policy as a signed bundle, once it loads; the same files and key give the same bytes.

    A bundle of tables also says when it was written: a gateway takes none that is older than what it has.
    """
    config = configured(path)
    signing = _signing_key(key or config.signing_key_path)
    if tables is not None:
        _build_tables(tables, signing, output or config.bundles_path / "tables.tar.gz", as_json)
        return
    source = load_source(config.policy_path)
    asyncio.run(try_out(config, source))
    revision = revision_of(config.policy_path, source.revision)
    if load_source(config.policy_path) != source:  # the revision would be the name of other files
        raise ConfigError(f"{config.policy_path}: was edited during the build; expected to be left alone")
    source = replace(source, revision=revision)
    content = build_bundle(source, signing)
    file = output or Shelf(config.bundles_path).put(source.revision, content)
    if output is not None:
        _write(output, content)
    if as_json:
        found = {"file": str(file), "revision": source.revision, "key_id": signing.public.key_id}
        typer.echo(json.dumps(found | {"bytes": len(content)}))
    else:
        typer.echo(f"{file}: revision {source.revision}, signed by {signing.public.key_id}")


def _build_tables(folder: Path, key: SigningKey, file: Path, as_json: bool) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected a folder of tables")
    content = build_table_bundle(read_tables(folder), key, datetime.now(UTC))
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, content)
    revision = describe_bundle(file, content).revision
    if as_json:
        found = {"file": str(file), "revision": revision, "key_id": key.public.key_id}
        typer.echo(json.dumps(found | {"bytes": len(content)}))
    else:
        typer.echo(f"{file}: tables of revision {revision}, signed by {key.public.key_id}")


def inspect(
    file: Annotated[Path, typer.Argument(help="A bundle.")],
    verify_key: VerifyKeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in a bundle and who signed it. Exit code 1 unless the signature is proven."""
    bundle = describe_bundle(file, read_archive(file))
    fault = _fault(bundle, verify_key)
    if as_json:
        typer.echo(json.dumps(_document(bundle, fault)))
    else:
        typer.echo(line(f"revision   {bundle.revision or 'none'}"))
        typer.echo(line(f"roots      {', '.join(bundle.roots)}"))
        typer.echo(line(f"signed by  {bundle.key_id or 'no key'}"))
        typer.echo(f"signature  {fault or 'verified'}")
        for name, content in sorted(bundle.files.items()):
            typer.echo(f"{len(content):>9}  {name}")
    raise typer.Exit(1 if fault else 0)


def known_verify_key(config: Config, named: Path | None) -> VerifyKey:
    """Return the key that vouches for bundles here. Raises ConfigError where there is none."""
    path = named or config.verify_key_path or config.signing_key_path.with_suffix(".pub")
    if not path.exists():
        raise ConfigError(
            f"{path}: there is no key to verify with; expected one by --verify-key, or keygen's"
        )
    return load_verify_key(path)


async def try_out(config: Config, source: PolicySource) -> None:
    """Load the policy into an engine and end it. Raises ConfigError, PolicyUnavailable."""
    engine = new_engine(config, _log)
    try:
        await engine.try_out(source)
    finally:
        await engine.close()


def _algorithm(text: str) -> Algorithm:
    match text:
        case "ES256" | "RS256":
            return text
    raise ConfigError(f"--algorithm: found {text!r}; expected ES256 or RS256")


def _signing_key(path: Path) -> SigningKey:
    if not path.exists():
        raise ConfigError(f"{path}: there is no key to sign with; make one: regate policy keygen")
    return load_signing_key(path)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{path}: the bundle cannot be written: {error.strerror}") from error


def _fault(bundle: Bundle, named: Path | None) -> str:
    """Return why the signature is not proven, "" when it is."""
    if not bundle.key_id:
        return "it is not signed"
    try:
        key = load_verify_key(named) if named else known_verify_key(load_config(config_path()), None)
    except ConfigError as error:
        if named:
            raise
        return f"not verified: {error}"
    fault = check_signature(bundle, key)
    return f"not verified: {fault}" if fault else ""


def _document(bundle: Bundle, fault: str) -> dict[str, object]:
    return {
        "revision": bundle.revision,
        "roots": list(bundle.roots),
        "key_id": bundle.key_id,
        "signed": bool(bundle.key_id),
        "verified": not fault,
        "error": fault,
        "files": {name: len(content) for name, content in sorted(bundle.files.items())},
    }
