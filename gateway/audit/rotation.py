"""The evidence key over time: made once, replaced by a rotation that the old and the new key both sign.

The rotation is a line of `checkpoints.ndjson`. It names both keys, so that who trusts either can follow to
the other: the old one signs the line, the new one the words `regate rotation OLD NEW`. Lines behind it, and
seals behind the first `seals`, are the new key's; the old private key is gone.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import signed_log
from gateway.audit.folder import Folder
from gateway.audit.heads import stamp
from gateway.audit.signing import Signer, Verifier, load_signer, private_pem, read_private
from gateway.errors import ConfigError


def open_signer(key: Path, folder: Folder) -> Signer:
    """The signer of this folder's logs; makes its key where there is neither key nor signed line.

    A rotation that a crash interrupted is finished first. Raises ConfigError, also when the key is not the
    one that signed last: with another key, or a new one, nobody could prove the evidence any more.
    """
    try:
        if _next(key).exists():
            with signed_log.held(folder.checkpoints, folder.disk) as log:
                _settle(key, log.last_line(), folder)
        expected = _signed_last(folder)
    except OSError as error:
        raise ConfigError(f"{key}: the evidence key cannot be used: {error}") from error
    if expected and not key.exists():
        raise ConfigError(
            f"{key}: the evidence key is gone, and {folder.checkpoints} is signed by it ({expected}); "
            "restore it, or move the audit folder away to begin anew"
        )
    signer = load_signer(key, folder.disk)
    if expected and signer.verifier.key_id != expected:
        raise ConfigError(
            f"{key}: it is the key {signer.verifier.key_id}, but {folder.checkpoints} is signed by "
            f"{expected}; restore that key, or move the audit folder away to begin anew"
        )
    return signer


def rotate(key: Path, folder: Folder) -> tuple[str, str]:
    """Replace the evidence key by a new one, with which running gateways sign at once; returns both ids.

    Raises ConfigError and OSError: then the old key is still in force, or the next start finishes the change.
    """
    signer = open_signer(key, folder)
    fresh = Ed25519PrivateKey.generate()
    old, new = signer.verifier.raw.hex(), Verifier(fresh.public_key()).raw.hex()
    with (
        signed_log.held(folder.checkpoints, folder.disk) as log,
        signed_log.held(folder.seals, folder.disk) as seals,
    ):
        folder.disk.write_new(_next(key), private_pem(fresh))
        folder.disk.sync_folder(key.parent)
        rotation = {
            "kind": "rotation",
            "from": old,
            "to": new,
            "accepted": fresh.sign(agreement(old, new)).hex(),
            "seals": seals.read(0).count(b"\n"),
            "signed_at": stamp(datetime.now(UTC)),
        }
        line = log.append(rotation, signer)
        _settle(key, line[:-1], folder)
    return signer.verifier.key_id, Verifier.from_raw(bytes.fromhex(new)).key_id


def agreement(old: str, new: str) -> bytes:
    """What the new key signs."""
    return f"regate rotation {old} {new}".encode()


def _settle(key: Path, last: bytes, folder: Folder) -> None:
    """Put the next key in force if the log's last line is its rotation; else it never was, and goes."""
    disk, fresh = folder.disk, _next(key)
    rotation = _document(last)
    try:
        public = Verifier(read_private(fresh).public_key())
    except ConfigError:
        public = None  # a crash while it was written
    if public is None or rotation.get("kind") != "rotation" or rotation.get("to") != public.raw.hex():
        disk.unlink(fresh)
        return
    old = Verifier.from_raw(bytes.fromhex(rotation["from"]))
    for path, verifier in (
        (key.with_name(f"{key.stem}-{old.key_id}.pub"), old),
        (key.with_suffix(".pub"), public),
    ):
        aside = path.with_suffix(".aside")
        disk.write_new(aside, verifier.pem(), 0o644)
        disk.rename(aside, path)
    disk.rename(fresh, key)
    disk.sync_folder(key.parent)


def _signed_last(folder: Folder) -> str:
    """The id of the key that the log's last line leaves in force; empty when nothing is signed."""
    try:
        descriptor = os.open(folder.checkpoints, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        end = signed_log.line_end(descriptor, os.fstat(descriptor).st_size)
        start = signed_log.line_end(descriptor, max(0, end - 1))
        last = _document(os.pread(descriptor, max(0, end - 1 - start), start))
    finally:
        os.close(descriptor)
    if last.get("kind") == "rotation":
        return Verifier.from_raw(bytes.fromhex(last["to"])).key_id
    return str(last.get("key", ""))


def _document(line: bytes) -> dict[str, Any]:
    """A line as far as it is one: what is spoilt is for `verify` to name."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _next(key: Path) -> Path:
    return key.with_suffix(".next")
