"""Ed25519 signatures over lines of evidence, and the key files beside the state."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import ConfigError


class BadSignature(ValueError):
    """A line that the key did not sign; the message says why."""


class Verifier:
    """Checks signed lines with the public key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]

    def read(self, line: bytes) -> dict[str, Any]:
        """The document of a signed line (without its newline). Raises BadSignature."""
        try:
            document: dict[str, Any] = orjson.loads(line)
            signature = bytes.fromhex(document.pop("signature"))
            by = document["key"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadSignature("it is not a signed line") from error
        if by != self.key_id:
            raise BadSignature(f"it is signed by the key {by}, expected {self.key_id}")
        signed = orjson.dumps(document)
        try:
            self._key.verify(signature, signed)
        except InvalidSignature as error:
            raise BadSignature("its signature does not fit") from error
        if line != _with_signature(document, signature):
            raise BadSignature("it is not written as it was signed")
        return document


class Signer:
    """Signs lines; `verifier` is its public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = Verifier(key.public_key())

    def line(self, document: Mapping[str, Any]) -> bytes:
        """The document as a signed line, newline included: the signature is over the line without it."""
        whole = {**document, "key": self.verifier.key_id}
        return _with_signature(whole, self._key.sign(orjson.dumps(whole))) + b"\n"


def load_signer(path: Path) -> Signer:
    """Read the private key (PEM), or make it (mode 0600) and its public half where there is none.

    Raises ConfigError when it is not an Ed25519 key, others may read it, or the public half is another key's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read the evidence key; expected mode 0600")
        signer = Signer(_private(path))
        public = path.with_suffix(".pub")
        if not public.exists():
            _write_new(public, _public_pem(signer.verifier), 0o644)
    except OSError as error:
        raise ConfigError(f"{path}: the evidence key cannot be used: {error}") from error
    if load_verifier(public).key_id != signer.verifier.key_id:
        raise ConfigError(f"{public}: it is not the public half of {path}")
    return signer


def load_verifier(path: Path) -> Verifier:
    """Read the public key (PEM). Raises ConfigError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the public evidence key cannot be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: expected an Ed25519 public key")
    return Verifier(key)


def _with_signature(document: Mapping[str, Any], signature: bytes) -> bytes:
    return orjson.dumps({**document, "signature": signature.hex()})


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ConfigError(f"{path}: expected a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: expected an Ed25519 private key")
    return key


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(path, pem, 0o600)


def _public_pem(verifier: Verifier) -> bytes:
    return verifier._key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole; of two processes that start at once, the first wins and the other reads it."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
