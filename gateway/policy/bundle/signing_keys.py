"""The key pair of bundles: the private half signs and stays where it is, the public half goes anywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from gateway.errors import ConfigError
from gateway.processes import write_new

Algorithm = Literal["ES256", "RS256"]
_RSA_BITS, _LEAST_RSA_BITS = 3072, 2048
_WORD = 32  # bytes of each half of an ES256 signature (RFC 7518, 3.4)
_Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class VerifyKey:
    """Checks signatures by the one algorithm that fits the key."""

    def __init__(self, key: _Public) -> None:
        self._key = key
        self.algorithm: Algorithm = "RS256" if isinstance(key, rsa.RSAPublicKey) else "ES256"
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.pem = key.public_bytes(serialization.Encoding.PEM, form)
        self.key_id = hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()[:16]

    def verify(self, signature: bytes, content: bytes) -> None:
        """Check a signature. Raises InvalidSignature."""
        if isinstance(self._key, rsa.RSAPublicKey):
            self._key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
            return
        if len(signature) != 2 * _WORD:
            raise InvalidSignature
        r, s = (int.from_bytes(half, "big") for half in (signature[:_WORD], signature[_WORD:]))
        self._key.verify(encode_dss_signature(r, s), content, ec.ECDSA(hashes.SHA256()))


class SigningKey:
    """Signs; `public` is its other half. The same content has the same signature each time."""

    def __init__(self, key: _Private) -> None:
        self._key = key
        self.public = VerifyKey(key.public_key())

    def sign(self, content: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)  # RFC 6979
        r, s = decode_dss_signature(self._key.sign(content, scheme))
        return r.to_bytes(_WORD, "big") + s.to_bytes(_WORD, "big")


def create_signing_key(path: Path, algorithm: Algorithm) -> tuple[SigningKey, Path]:
    """Write a new private key (PEM, mode 0600) and its public half beside it, `*.pub`.

    Raises ConfigError where one of the files is there already, or cannot be written.
    """
    public = path.with_suffix(".pub")
    key: _Private = (
        rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    signing = SigningKey(key)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in (path, public):
            if file.exists() or file.is_symlink():
                raise ConfigError(f"{file}: is there already; a key is never written over")
        write_new(path, pem, 0o600)
        write_new(public, signing.public.pem, 0o644)
    except OSError as error:
        raise ConfigError(f"{error.filename}: the key cannot be written: {error.strerror}") from error
    return signing, public


def load_signing_key(path: Path) -> SigningKey:
    """Read a private key. Raises ConfigError when others may read it, or it is of another kind."""
    content = _read(path, "private")
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others may read the signing key; expected mode 0600")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path}: expected a private key in PEM, without a password") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS:
        return SigningKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return SigningKey(key)
    raise ConfigError(
        f"{path}: expected an RSA key of {_LEAST_RSA_BITS} bits or more, or one on the curve P-256"
    )


def load_verify_key(path: Path) -> VerifyKey:
    """Read a public key. Raises ConfigError."""
    content = _read(path, "public")
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path}: expected a public key in PEM") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return VerifyKey(key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return VerifyKey(key)
    raise ConfigError(
        f"{path}: expected an RSA key of {_LEAST_RSA_BITS} bits or more, or one on the curve P-256"
    )


def _read(path: Path, half: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the {half} key cannot be read: {error.strerror}") from error
