"""Policy as one signed file: an OPA bundle that any OPA loads, and that the gateway itself can run from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.policy.bundle.archive import MAX_PACKED, BadArchive, pack, unpack
from gateway.policy.bundle.signature import (
    MANIFEST,
    SIGNATURES,
    BadBundleSignature,
    canonical,
    key_id_of,
    sign,
    signature_of,
    verify,
)
from gateway.policy.bundle.signing_keys import SigningKey, VerifyKey
from gateway.policy.source.files import read_plain
from gateway.policy.source.settings import SETTINGS
from gateway.policy.source.source import PolicySource, source_of

ROOTS = ("regate", SETTINGS)
SUFFIX = ".tar.gz"
_DATA = f"{SETTINGS}/data.json"
_REVISION = re.compile(r"[A-Za-z0-9_.-]{1,200}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an archive says about itself. `key_id` is who it says has signed it, "" without a signature."""

    revision: str
    roots: tuple[str, ...]
    key_id: str
    files: Mapping[str, bytes]


def build_bundle(source: PolicySource, key: SigningKey | None) -> bytes:
    """Return the source as a bundle, signed where there is a key: the same source gives the same bytes."""
    manifest = {"revision": source.revision, "roots": list(ROOTS), "rego_version": 1}
    files = {name: text.encode() for name, text in source.modules.items()}
    files[MANIFEST] = canonical(manifest)
    settings = source.data.get(SETTINGS)
    if settings is not None:
        files[_DATA] = canonical(settings)
    if key is not None:
        files[SIGNATURES] = sign(files, key)
    return pack(files)


def read_bundle(path: Path, content: bytes, key: VerifyKey) -> PolicySource:
    """Return the policy of a bundle that `key` has signed; messages call it `path`.

    Raises ConfigError on a broken archive, a signature that is missing or does not fit, files outside the
    roots, and whatever `load_source` refuses. Nothing but the signature is looked at before it is proven.
    """
    try:
        files = unpack(content)
        verify(files, key)
        bundle = described(files)
    except (BadArchive, BadBundleSignature) as error:
        raise ConfigError(f"{path}: {error}") from error
    if sorted(bundle.roots) != sorted(ROOTS):
        raise ConfigError(f"{path}: expected the roots {', '.join(ROOTS)}, found {', '.join(bundle.roots)}")
    if not _REVISION.fullmatch(bundle.revision):
        raise ConfigError(f"{path}: expected a revision of letters, digits, '.', '_' and '-'")
    return replace(source_of(path, _policy_files(path, files), bundle.revision), archive=content)


def describe_bundle(path: Path, content: bytes) -> Bundle:
    """Return what a bundle says about itself, proven or not. Raises ConfigError when it cannot be read."""
    try:
        return described(unpack(content))
    except (BadArchive, BadBundleSignature) as error:
        raise ConfigError(f"{path}: {error}") from error


def check_signature(bundle: Bundle, key: VerifyKey) -> str:
    """Return why `key` does not vouch for the bundle, "" when it does."""
    try:
        verify(bundle.files, key)
    except BadBundleSignature as error:
        return str(error)
    return ""


def read_archive(path: Path) -> bytes:
    """Read a bundle file. Raises ConfigError, also on a file that is too large for a bundle."""
    try:
        return read_plain(path, MAX_PACKED)
    except OSError as error:
        raise ConfigError(f"{path}: the bundle cannot be read: {error.strerror}") from error


def described(files: Mapping[str, bytes]) -> Bundle:
    """Return what files say about themselves. Raises BadArchive, BadBundleSignature."""
    manifest = manifest_of(files)
    token = signature_of(files)
    return Bundle(
        str(manifest.get("revision", "")),
        tuple(str(root) for root in manifest.get("roots", ())),
        key_id_of(token) if token is not None else "",
        files,
    )


def manifest_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest. Raises BadArchive."""
    try:
        manifest = json.loads(files[MANIFEST])
    except KeyError as error:
        raise BadArchive(f"it has no {MANIFEST}") from error
    except (ValueError, RecursionError) as error:
        raise BadArchive(f"{MANIFEST} is not valid JSON") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("roots", []), list):
        raise BadArchive(f"{MANIFEST}: expected a mapping with a list of roots")
    return manifest


def _policy_files(path: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the Rego and the settings; refuse an archive that has anything else."""
    texts: dict[str, str] = {}
    for name, content in files.items():
        if name in (MANIFEST, SIGNATURES):
            continue
        if not (name.endswith(".rego") or name == _DATA):
            raise ConfigError(f"{path}/{name}: expected *.rego, {_DATA} and nothing else in a bundle")
        try:
            texts[name] = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}/{name}: expected UTF-8 text") from error
    return texts
