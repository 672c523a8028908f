"""The private half of a key pair is for its owner alone, and neither half is ever written over."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.errors import ConfigError
from gateway.policy.bundle.signing_keys import (
    SigningKey,
    create_signing_key,
    load_signing_key,
    load_verify_key,
)


def test_keys_are_private_and_never_written_over(tmp_path: Path) -> None:
    key, public = create_signing_key(tmp_path / "state" / "policy.key", "ES256")
    private = tmp_path / "state" / "policy.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert load_verify_key(public).key_id == load_signing_key(private).public.key_id == key.public.key_id
    with pytest.raises(ConfigError, match="never written over"):
        create_signing_key(private, "ES256")
    private.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        load_signing_key(private)


def test_a_signature_fits_its_content_alone_and_is_the_same_each_time(key: SigningKey) -> None:
    signature = key.sign(b"content")
    assert key.sign(b"content") == signature
    key.public.verify(signature, b"content")
    for wrong, content in ((signature, b"other"), (signature[:-1], b"content"), (b"", b"content")):
        with pytest.raises(InvalidSignature):
            key.public.verify(wrong, content)


@pytest.mark.parametrize(
    "weak",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["short RSA", "another curve", "Ed25519"],
)
def test_a_key_of_another_kind_is_refused(
    tmp_path: Path, weak: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    private, public = tmp_path / "weak.key", tmp_path / "weak.pub"
    private.touch(mode=0o600)
    private.write_bytes(
        weak.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        weak.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    with pytest.raises(ConfigError, match="expected an RSA key of 2048 bits or more"):
        load_signing_key(private)
    with pytest.raises(ConfigError, match="expected an RSA key of 2048 bits or more"):
        load_verify_key(public)


def test_a_half_where_the_other_is_expected_is_refused(tmp_path: Path) -> None:
    private = tmp_path / "policy.key"
    _, public = create_signing_key(private, "ES256")
    public.chmod(0o600)
    with pytest.raises(ConfigError, match="expected a private key"):
        load_signing_key(public)
    with pytest.raises(ConfigError, match="expected a public key"):
        load_verify_key(private)
    with pytest.raises(ConfigError, match=r"none\.key: the private key cannot be read"):
        load_signing_key(tmp_path / "none.key")
