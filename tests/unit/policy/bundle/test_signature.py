"""A signature is what OPA makes and takes, and fits exactly the files that were signed."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.policy.bundle.archive import unpack
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signature import SIGNATURES, BadBundleSignature, canonical, digest, sign, verify
from gateway.policy.bundle.signing_keys import (
    SigningKey,
)
from tests.support.bundles import library


def test_a_token_cannot_choose_how_it_is_checked(key: SigningKey) -> None:
    files = {"main.rego": b"package regate\n"}
    token = json.loads(sign(files, key))["signatures"][0]
    for head in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES512", "kid": key.public.key_id}):
        forged = f"{_base64(head)}.{token.split('.')[1]}."
        with pytest.raises(BadBundleSignature, match=f"expected {key.public.algorithm}"):
            verify({**files, ".signatures.json": canonical({"signatures": [forged]})}, key.public)


@pytest.mark.parametrize(
    "signatures", [b"[]", b"{}", b'{"signatures":[]}', b'{"signatures":["a.b.c","d.e.f"]}']
)
def test_there_is_one_signature_or_none(key: SigningKey, signatures: bytes) -> None:
    with pytest.raises(BadBundleSignature, match="expected one signature"):
        verify({".signatures.json": signatures}, key.public)


def test_opa_signs_as_we_verify(key: SigningKey, opa: Path, tmp_path: Path) -> None:
    """Numbers as written, escapes, surrogate pairs, separators of lines: the digests are OPA's own."""
    odd = (
        rb'{"a": 1.0, "b": [1e3, -0, 1234567890123456789], "\u2028": "\u003c&\u007f\t\b\u0001 \ud83d\ude00"}'
    )
    files = unpack(build_bundle(library(), None)) | {"settings/data.json": odd}
    private = tmp_path / "key.pem"
    private.write_bytes(_pem(key))
    folder = tmp_path / "bundle"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    subprocess.run(
        [opa, "sign", "--signing-key", private, "--signing-alg", key.public.algorithm, "--bundle", "."],
        cwd=folder,
        check=True,
    )
    verify({**files, ".signatures.json": (folder / ".signatures.json").read_bytes()}, key.public)


def _base64(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _pem(key: SigningKey) -> bytes:
    return key._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_what_is_changed_added_or_left_out_is_named(key: SigningKey) -> None:
    files = {"a.rego": b"package regate\n", "b.rego": b"package regate.b\n"}
    files[SIGNATURES] = sign(files, key)
    verify(files, key.public)
    wrong = {
        "a.rego is not what was signed": {**files, "a.rego": b"package regate \n"},
        "b.rego is in the archive or in its signature": {n: c for n, c in files.items() if n != "b.rego"},
        "c.rego is in the archive or in its signature": {**files, "c.rego": b""},
    }
    for why, changed in wrong.items():
        with pytest.raises(BadBundleSignature, match=why):
            verify(changed, key.public)


def test_structured_files_are_signed_by_what_they_say() -> None:
    assert digest("data.json", b'{"b": 1, "a": 2}') == digest("x/data.json", b'{"a":2,"b":1}')
    assert digest("data.json", b'{"a": 1.0}') != digest("data.json", b'{"a": 1}')
    assert digest("main.rego", b"{ }") != digest("main.rego", b"{}")
    with pytest.raises(BadBundleSignature, match=r"data\.json: cannot be read as JSON"):
        digest("data.json", b'{"a": 1, "a": 2}')
