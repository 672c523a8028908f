"""`regate policy use` and `rollback`: which bundle a gateway runs from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.opened import note_act
from cli.policy.bundles import VerifyKeyFile, known_verify_key, try_out
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError
from gateway.policy import PolicySource, Shelf, is_bundle
from gateway.policy.bundle import read_archive, read_bundle


def use(
    bundle: Annotated[str, typer.Argument(help="A bundle, or the revision of one in bundles/.")],
    verify_key: VerifyKeyFile = None,
) -> None:
    """Put a bundle in use: bundles/policy.tar.gz becomes it, and a gateway that runs from it follows."""
    config = load_config(config_path())
    shelf = Shelf(config.bundles_path)
    path = Path(bundle) if is_bundle(Path(bundle)) else _find(shelf, bundle)
    source = _verified(config, path, verify_key)
    asyncio.run(try_out(config, source))
    _record(config, source.revision, "use")
    shelf.use(source.revision, source.archive)
    _say(config, shelf, source)


def rollback(verify_key: VerifyKeyFile = None) -> None:
    """Put the bundle in use that was before this one; once more, the one before that."""
    config = load_config(config_path())
    shelf = Shelf(config.bundles_path)
    revision = shelf.previous()
    source = _verified(config, shelf.path_of(revision), verify_key)
    if source.revision != revision:
        raise ConfigError(f"{shelf.path_of(revision)}: expected revision {revision}, found {source.revision}")
    _record(config, revision, "rollback")
    shelf.back(revision, source.archive)
    _say(config, shelf, source)


def _record(config: Config, revision: str, command: str) -> None:
    """Put the act on record before it is done. Raises ConfigError, RecordingFailed: then it must not be."""
    note_act(config, "policy_used", revision=revision, command=command)


def _find(shelf: Shelf, revision: str) -> Path:
    """Find the bundle of a revision; a prefix will do if only one revision begins with it."""
    exact = shelf.path_of(revision)
    found = [exact] if exact.is_file() else sorted(shelf.folder.glob(f"policy-{_plain(revision)}*.tar.gz"))
    if len(found) != 1:
        number = len(found) or "none"
        raise ConfigError(f"{shelf.folder}: expected one bundle of revision {revision}, found {number}")
    return found[0]


def _plain(revision: str) -> str:
    if not revision or not all(letter.isalnum() or letter in "._-" for letter in revision):
        raise ConfigError(f"{revision!r}: expected a bundle (*.tar.gz) or a revision")
    return revision


def _verified(config: Config, path: Path, verify_key: Path | None) -> PolicySource:
    return read_bundle(path, read_archive(path), known_verify_key(config, verify_key))


def _say(config: Config, shelf: Shelf, source: PolicySource) -> None:
    typer.echo(f"{shelf.in_use}: revision {source.revision}")
    if config.policy_path != shelf.in_use:
        typer.echo(
            f"regate: this gateway runs from {config.policy_path}; to run from bundles, set policy.path to "
            f"{shelf.in_use.relative_to(config.root)} and policy.verify_key",
            err=True,
        )
