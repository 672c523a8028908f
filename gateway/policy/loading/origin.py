"""Where the policy in force comes from: a folder that people edit, or one signed bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config import BUNDLE
from gateway.errors import ConfigError
from gateway.policy.source.files import fingerprint, print_of
from gateway.policy.source.names import Names, built_in, unknown_names
from gateway.policy.source.source import PolicySource, load_source
from gateway.policy.source.table_names import missing_tables
from gateway.policy.source.tables import Tables, prints, read_tables

if TYPE_CHECKING:
    from gateway.config import Config


def load_policy(
    path: Path,
    verify_key: Path | None,
    names: Names,
    tables: Path | None = None,
    tables_key: Path | None = None,
) -> PolicySource:
    """Read the policy at `path`: a folder, or a bundle that the key in the file `verify_key` has signed.

    `tables` is the folder of its tables, or a bundle that `tables_key` has signed. Raises ConfigError on
    whatever `load_source`, `read_bundle` and `tables_at` refuse, on settings that name something which is not
    in `names`, and on rules that read a table which is not there; a bundle without a key is not read.
    """
    source = _load(path, verify_key)
    for fault in unknown_names(source, names):
        raise fault
    return with_tables(source, tables, tables_key) if tables else source


def with_tables(source: PolicySource, path: Path, key: Path | None = None) -> PolicySource:
    """Put the tables at `path` beside a policy. Raises ConfigError, also when a rule reads one more."""
    found = replace(source, tables=tables_at(path, key))
    for fault in missing_tables(found):
        raise fault
    return found


def tables_at(path: Path, key: Path | None = None) -> Tables:
    """Read the tables of a folder, or of a bundle that the key in the file has signed. Raises ConfigError."""
    if not is_bundle(path):
        return read_tables(path)
    if key is None:
        raise ConfigError(f"{path}: expected policy.tables_bundle.verify_key, the key that has signed it")
    from gateway.policy.bundle.bundle import read_archive  # here: a folder needs no signatures
    from gateway.policy.bundle.signing_keys import load_verify_key
    from gateway.policy.bundle.table_bundle import read_table_bundle

    return read_table_bundle(path, read_archive(path), load_verify_key(key))


def _load(path: Path, verify_key: Path | None) -> PolicySource:
    if not is_bundle(path):
        return load_source(path)
    if verify_key is None:
        raise ConfigError(f"{path}: expected policy.verify_key, the key that has signed this bundle")
    from gateway.policy.bundle.bundle import read_archive, read_bundle  # here: a folder needs no signatures
    from gateway.policy.bundle.signing_keys import load_verify_key

    return read_bundle(path, read_archive(path), load_verify_key(verify_key))


def configured_policy(config: Config) -> PolicySource:
    """Read the policy that the configuration names. Raises as `load_policy`."""
    return load_policy(
        config.policy_path,
        config.verify_key_path,
        built_in(config),
        config.tables_path,
        config.tables_key_path,
    )


def prints_of(
    path: Path, verify_key: Path | None, tables: Path | None = None, tables_key: Path | None = None
) -> tuple[object, ...]:
    """Return what changes when the policy at `path`, its key or a table does.

    Raises ConfigError without a folder of policy.
    """
    if tables and is_bundle(tables):
        beside: tuple[object, ...] = tuple(_print(file) for file in (tables, tables_key) if file)
    else:
        beside = tuple(prints(tables)) if tables else ()
    if not is_bundle(path):
        return *fingerprint(path), *beside
    return *(_print(file) for file in (path, verify_key) if file), *beside


def is_bundle(path: Path) -> bool:
    return path.name.endswith(BUNDLE)


def _print(path: Path) -> tuple[int, int, int, int] | None:
    try:
        return print_of(path.stat())
    except OSError:  # loading it says why
        return None
