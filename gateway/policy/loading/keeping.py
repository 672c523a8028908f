"""A bundle of tables that was fetched: proven, and kept as a file that every worker reads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gateway.errors import ConfigError
from gateway.policy.bundle.bundle import read_archive
from gateway.policy.bundle.signing_keys import load_verify_key
from gateway.policy.bundle.table_bundle import read_table_bundle
from gateway.processes import locked, replace


def keep_tables(path: Path, content: bytes, key_path: Path) -> None:
    """Put a bundle in the place of the one at `path`.

    Raises ConfigError on one that `read_table_bundle` refuses, or that was issued before the present one.
    """
    key = load_verify_key(key_path)
    issued = read_table_bundle(path, content, key).issued_at
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            present = None
            with suppress(ConfigError):  # there is none, or it is worth nothing
                present = read_table_bundle(path, read_archive(path), key).issued_at
            if present and issued and issued < present:
                times = f"{issued.isoformat()}, before the present one, {present.isoformat()}"
                raise ConfigError(f"{path}: it was issued at {times}")
            replace(path, content)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
