"""Tables as one signed bundle: `tables/users/data.json` in it is the table `users`, as OPA reads it.

The manifest says when the bundle was issued, and the signature covers that: an old bundle stays old on any
server.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.policy.bundle.archive import BadArchive, pack, unpack
from gateway.policy.bundle.bundle import described, manifest_of
from gateway.policy.bundle.signature import (
    MANIFEST,
    SIGNATURES,
    BadBundleSignature,
    canonical,
    sign,
    verify,
)
from gateway.policy.bundle.signing_keys import SigningKey, VerifyKey
from gateway.policy.source.data import parse_document, to_json
from gateway.policy.source.tables import NAME, REVISIONS, Tables

_ROOT = "tables"
_FILE = re.compile(rf"{_ROOT}/({NAME})/data\.json")
_AHEAD = timedelta(minutes=5)  # that the clock of who issues it may be ahead of this one


def build_table_bundle(tables: Tables, key: SigningKey, issued_at: datetime) -> bytes:
    """Return the tables as a bundle that was issued at this time."""
    found: dict[str, Any] = json.loads(tables.content)
    files = {
        f"{_ROOT}/{name}/data.json": canonical(table) for name, table in found.items() if name != REVISIONS
    }
    manifest = {
        "revision": _digest(b"".join(content for _, content in sorted(files.items()))),
        "roots": [_ROOT],
        "metadata": {"issued_at": issued_at.astimezone(UTC).isoformat()},
    }
    files[MANIFEST] = canonical(manifest)
    files[SIGNATURES] = sign(files, key)
    return pack(files)


def read_table_bundle(path: Path, content: bytes, key: VerifyKey) -> Tables:
    """Return the tables of a bundle that `key` has signed; messages call it `path`.

    Raises ConfigError on a broken archive, a signature that is missing or does not fit, a manifest that does
    not say when it was issued, and files that are no tables. Nothing is looked at before it is proven.
    """
    try:
        files = unpack(content)
        verify(files, key)
        roots, manifest = described(files).roots, manifest_of(files)
    except (BadArchive, BadBundleSignature) as error:
        raise ConfigError(f"{path}: {error}") from error
    if roots != (_ROOT,):
        raise ConfigError(
            f"{path}: expected the root {_ROOT} and no other, found {', '.join(roots) or 'none'}"
        )
    tables: dict[str, Any] = {}
    revisions: dict[str, str] = {}
    for name, table in _named(path, files).items():
        tables[name] = parse_document(path / f"{name}.json", table.decode())
        if not isinstance(tables[name], (dict, list)):
            raise ConfigError(f"{path}: {name}: expected a mapping or a list")
        revisions[name] = _digest(table)
    return Tables(revisions, to_json({**tables, REVISIONS: revisions}), _issued(path, manifest))


def _named(path: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file, content in files.items():
        if file in (MANIFEST, SIGNATURES):
            continue
        name = _FILE.fullmatch(file)
        if name is None:
            raise ConfigError(f"{path}/{file}: expected {_ROOT}/NAME/data.json and nothing else in it")
        found[name[1]] = content
    return found


def _issued(path: Path, manifest: Mapping[str, Any]) -> datetime:
    about = manifest.get("metadata")
    said = about.get("issued_at") if isinstance(about, dict) else None
    try:
        issued = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        issued = None
    if issued is None or issued.tzinfo is None:
        raise ConfigError(f"{path}: expected metadata.issued_at in its manifest, a time with its zone")
    if issued > datetime.now(UTC) + _AHEAD:
        raise ConfigError(f"{path}: it was issued at {issued.isoformat()}, which is yet to come")
    return issued


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
