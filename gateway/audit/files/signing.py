"""Ed25519 signatures over lines of evidence, and the key files beside the state."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.audit.files.disk import Disk
from gateway.audit.files.log_lines import Document, Signable
from gateway.errors import ConfigError


class BadLine(ValueError):
    """A line that the key did not sign; the message says why."""


class Verifier:
    """Checks signed lines with the public key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = hashlib.sha256(self.raw).hexdigest()[:16]

    @classmethod
    def from_raw(cls, raw: bytes) -> Verifier:
        """Build one from the 32 bytes of the key. Raises ValueError."""
        return cls(Ed25519PublicKey.from_public_bytes(raw))

    def pem(self) -> bytes:
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def signed(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def read(self, line: bytes) -> Document:
        """Return the document of a signed line (without its newline). Raises BadLine."""
        try:
            document: Document = orjson.loads(line)
            signature = bytes.fromhex(document.pop("signature"))
            by = document["key"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadLine("it is not a signed line") from error
        if by != self.key_id:
            raise BadLine(f"it is signed by the key {by}, expected {self.key_id}")
        if not self.signed(orjson.dumps(document), signature):
            raise BadLine("its signature does not fit")
        if line != _with_signature(document, signature):
            raise BadLine("it is not written as it was signed")
        return document


class Signer:
    """Signs lines with the key in a file; when the file is replaced (a rotation), with the new one."""

    def __init__(self, path: Path) -> None:
        """Load the key. Raises OSError, and ConfigError when it is no Ed25519 key or others may read it."""
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._refresh()

    @property
    def path(self) -> Path:
        return self._path

    def line(self, document: Signable) -> bytes:
        """Return the document as a signed line with its newline: the signature is over the line without it.

        Raises OSError: a key that is gone signs nothing more, so that its loss shows at once.
        """
        self._follow()
        whole = {**document, "key": self.verifier.key_id}
        return _with_signature(whole, self._key.sign(orjson.dumps(whole))) + b"\n"

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message that is no JSON. Raises OSError, as `line` does."""
        self._follow()
        return self._key.sign(message)

    def _follow(self) -> None:
        try:
            self._refresh()
        except ConfigError as error:
            raise OSError(str(error)) from error

    def _refresh(self) -> None:
        found = self._path.stat()
        if self._seen == (found.st_ino, found.st_mtime_ns):
            return
        if found.st_mode & 0o077:
            raise ConfigError(f"{self._path}: others may read the evidence key; expected mode 0600")
        self._key = read_private(self._path)
        self.verifier = Verifier(self._key.public_key())
        self._seen = (found.st_ino, found.st_mtime_ns)


def load_signer(path: Path, disk: Disk) -> Signer:
    """Read the private key (PEM), or make it (mode 0600) and its public half where there is none.

    Raises ConfigError when it is not an Ed25519 key, others may read it, or the public half is another key's.
    """
    try:
        disk.make_folder(path.parent.absolute())
        if not path.exists():
            disk.write_once(path, private_pem(Ed25519PrivateKey.generate()), 0o600)
        signer = Signer(path)
        public = path.with_suffix(".pub")
        if not public.exists():
            disk.write_once(public, signer.verifier.pem(), 0o644)
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


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 key (PEM). Raises OSError and ConfigError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ConfigError(f"{path}: expected a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: expected an Ed25519 private key")
    return key


def private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _with_signature(document: Signable, signature: bytes) -> bytes:
    return orjson.dumps({**document, "signature": signature.hex()})
