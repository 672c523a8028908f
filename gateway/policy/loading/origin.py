"""Where the policy in force comes from: a folder that people edit, or one signed bundle."""

from __future__ import annotations

from pathlib import Path

from gateway.config import Config
from gateway.errors import ConfigError
from gateway.policy.bundle.bundle import SUFFIX, read_archive, read_bundle
from gateway.policy.bundle.signing_keys import load_verify_key
from gateway.policy.source.files import fingerprint, print_of
from gateway.policy.source.source import PolicySource, load_source


def load_policy(path: Path, verify_key: Path | None) -> PolicySource:
    """Read the policy at `path`: a folder, or a bundle that the key in the file `verify_key` has signed.

    Raises ConfigError on whatever `load_source` and `read_bundle` refuse; a bundle without a key is not read.
    """
    if not is_bundle(path):
        return load_source(path)
    if verify_key is None:
        raise ConfigError(f"{path}: expected policy.verify_key, the key that has signed this bundle")
    return read_bundle(path, read_archive(path), load_verify_key(verify_key))


def configured_policy(config: Config) -> PolicySource:
    """Read the policy that the configuration names. Raises as `load_policy`."""
    return load_policy(config.policy_path, config.verify_key_path)


def prints_of(path: Path, verify_key: Path | None) -> tuple[object, ...]:
    """Return what changes when the policy at `path` or its key does. Raises ConfigError without a folder."""
    if not is_bundle(path):
        return fingerprint(path)
    return tuple(_print(file) for file in (path, verify_key) if file)


def is_bundle(path: Path) -> bool:
    return path.name.endswith(SUFFIX)


def _print(path: Path) -> tuple[int, int, int, int] | None:
    try:
        return print_of(path.stat())
    except OSError:  # loading it says why
        return None
