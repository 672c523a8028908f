"""The evidence key over time: made once, replaced by a rotation that the old and the new key both sign.

The rotation is a line of `checkpoints.ndjson`. It names both keys, so that who trusts either can follow to
the other: the old one signs the line, the new one the words `regate rotation OLD NEW`. Lines behind it, and
seals behind the first `seals`, are the new key's; the old private key is gone.
"""

from __future__ import annotations

import mmap
from datetime import UTC, datetime
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.log_lines import Document
from gateway.audit.files.signing import BadLine, Signer, Verifier, load_signer, private_pem, read_private
from gateway.errors import ConfigError

_ROTATION = b'{"kind":"rotation"'
_REMEDY = "restore the key, or move the audit folder away to begin anew"


def open_signer(key: Path, folder: Folder) -> Signer:
    """Return the signer of this folder's logs; make its key where there is neither key nor signed line.

    A rotation that a crash interrupted is finished first. Raises ConfigError, also when the key is not the
    one that signed last: with another key, or a new one, the evidence could no longer be proved.
    """
    try:
        _mend(key, folder)
        signed = folder.checkpoints.exists() and folder.checkpoints.stat().st_size > 0
        if signed and not key.exists():
            raise ConfigError(
                f"{key}: the evidence key is gone, and {folder.checkpoints} is signed; {_REMEDY}"
            )
        signer = load_signer(key, folder.disk)
        if signed:
            _check_in_force(signer.verifier, folder)
    except OSError as error:
        raise ConfigError(f"{key}: the evidence key cannot be used: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{key}: it is not the key of {folder.checkpoints}: {error}; {_REMEDY}") from error
    return signer


def rotate(key: Path, folder: Folder) -> tuple[str, str]:
    """Replace the evidence key by a new one, with which running gateways sign at once; returns both ids.

    Raises ConfigError and OSError: then the old key is still in force, or the next start finishes the change.
    """
    signer = open_signer(key, folder)
    fresh = Ed25519PrivateKey.generate()
    old, new = signer.verifier.raw.hex(), Verifier(fresh.public_key()).raw.hex()
    with (
        signed_log.locked(folder.checkpoints, folder.disk) as log,
        signed_log.locked(folder.seals, folder.disk) as seals,
    ):
        folder.disk.write_new(_next(key), private_pem(fresh))
        folder.disk.sync_folder(key.parent)
        rotation = {
            "kind": "rotation",
            "from": old,
            "to": new,
            "accepted": fresh.sign(_agreement(old, new)).hex(),
            "seals": seals.read(0).count(b"\n"),
            "signed_at": stamp(datetime.now(UTC)),
        }
        line = log.append(rotation, signer)
        _settle(key, line[:-1], folder)
    return signer.verifier.key_id, Verifier.from_raw(bytes.fromhex(new)).key_id


def read_rotation(line: bytes) -> tuple[Verifier, Verifier, int]:
    """Return a rotation's old and new key, and how many seals the old keys signed. Raises BadLine."""
    try:
        claimed = orjson.loads(line)
        old, new = (Verifier.from_raw(bytes.fromhex(claimed[name])) for name in ("from", "to"))
        accepted = bytes.fromhex(claimed["accepted"])
        sealed = int(claimed["seals"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadLine("it is not a signed line") from error
    old.read(line)
    if not new.signed(_agreement(claimed["from"], claimed["to"]), accepted):
        raise BadLine("the new key did not sign it")
    return old, new, sealed


def _agreement(old: str, new: str) -> bytes:
    """Return the words that the new key signs."""
    return f"regate rotation {old} {new}".encode()


def _mend(key: Path, folder: Folder) -> None:
    """Cut a torn line off the log, and finish a rotation. Raises OSError."""
    try:
        with signed_log.locked(folder.checkpoints, folder.disk) as log:
            if _next(key).exists():
                _settle(key, log.last_line(), folder)
    except BlockingIOError:  # any process that reads the log can lock it: no reason not to start
        if _next(key).exists():
            raise


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
        disk.replace(path, verifier.pem(), path.with_suffix(".aside"), 0o644)
    disk.rename(fresh, key)
    disk.sync_folder(key.parent)


def _check_in_force(verifier: Verifier, folder: Folder) -> None:
    """Raise ValueError when the log is signed by another key: a later one, or never by this one."""
    with folder.checkpoints.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as log:
        start = log.rfind(b"\n" + _ROTATION) + 1
        if start or log[: len(_ROTATION)] == _ROTATION:
            try:
                _, new, _ = read_rotation(log[start : log.find(b"\n", start)])
            except BadLine:
                return  # planted by hand: `verify` names it
            if new.raw != verifier.raw:
                raise ValueError(f"it was rotated to the key {new.key_id}")
        elif log.find(b'"key":"%b"' % verifier.key_id.encode()) < 0:
            raise ValueError("another key signed it")


def _document(line: bytes) -> Document:
    """Return a line's document, empty for a damaged line: `verify` names the damage."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _next(key: Path) -> Path:
    return key.with_suffix(".next")
