"""A bundle is the same each time, is what OPA understands, and nothing unproven comes out of one."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigError
from gateway.policy.bundle.archive import BadArchive, pack, unpack
from gateway.policy.bundle.bundle import build_bundle, check_signature, describe_bundle, read_bundle
from gateway.policy.bundle.signature import BadBundleSignature, canonical, sign, verify
from gateway.policy.bundle.signing_keys import (
    Algorithm,
    SigningKey,
    create_signing_key,
    load_signing_key,
    load_verify_key,
)
from tests.support.bundles import broken_archives, library, tampered

FILE = Path("bundles/policy.tar.gz")
KINDS = [
    "empty",
    "no gzip",
    "cut off",
    "cut inside the tar",
    "something behind",
    "bomb",
    "climbs",
    "climbs inside",
    "absolute",
    "hidden",
    "control",
    "link",
    "hard link",
    "device",
    "of negative size",
    "twice",
    "unsigned",
    "signed by another",
    "tampered",
    "one more",
    "one less",
    "outside the roots",
    "data outside",
    "another file",
    "other roots",
    "no revision",
    "no manifest",
    "settings of another shape",
]


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    algorithm: Algorithm = request.param
    return create_signing_key(tmp_path_factory.mktemp("key") / "policy.key", algorithm)[0]


@pytest.fixture(scope="module")
def broken(key: SigningKey) -> dict[str, tuple[bytes, str]]:
    return broken_archives(key)


def test_what_was_built_is_what_is_read(key: SigningKey) -> None:
    source = library()
    content = build_bundle(source, key)
    found = read_bundle(FILE, content, key.public)
    assert (found.modules, found.data, found.revision) == (source.modules, source.data, source.revision)
    assert found.archive == content


def test_the_same_files_and_key_give_the_same_bytes(key: SigningKey, tmp_path: Path) -> None:
    assert build_bundle(library(), key) == build_bundle(library(), key)


def test_the_bytes_do_not_depend_on_the_machine() -> None:
    packed = pack({"b.rego": b"x" * 70_000, "a.rego": b"y"})
    assert hashlib.sha256(packed).hexdigest() == PACKED
    assert unpack(packed) == {"a.rego": b"y", "b.rego": b"x" * 70_000}


PACKED = "c823dc72301def46273db71ee0a7f24e5176e7166e99c3ddafd187a08b8f1db1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_bundle_is_refused_and_says_why(
    broken: dict[str, tuple[bytes, str]], key: SigningKey, kind: str
) -> None:
    content, why = broken[kind]
    with pytest.raises(ConfigError, match=f"^bundles/policy.tar.gz.*(?:{why})"):
        read_bundle(FILE, content, key.public)


def test_every_kind_of_broken_bundle_is_tried(broken: dict[str, tuple[bytes, str]]) -> None:
    assert sorted(KINDS) == sorted(broken)


def test_a_bundle_says_who_signed_it_before_that_is_proven(key: SigningKey) -> None:
    bundle = describe_bundle(FILE, tampered(key))
    assert (bundle.key_id, bundle.roots) == (key.public.key_id, ("regate", "settings"))
    assert "is not what was signed" in check_signature(bundle, key.public)
    assert check_signature(describe_bundle(FILE, build_bundle(library(), key)), key.public) == ""


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


@given(st.binary(max_size=4000))
def test_no_bytes_do_anything_but_unpack_or_be_refused(content: bytes) -> None:
    with contextlib.suppress(BadArchive):
        unpack(content)


@given(st.lists(st.tuples(st.integers(0, 5 * 512), st.integers(0, 255)), min_size=1, max_size=40))
def test_no_header_of_a_tar_does_anything_but_unpack_or_be_refused(changes: list[tuple[int, int]]) -> None:
    tar = bytearray(gzip.decompress(pack({"a.rego": b"x" * 600, "b.rego": b"y" * 600})))
    for at, value in changes:
        tar[at] = value
    for header in (0, 3 * 512):
        with contextlib.suppress(BadArchive):
            unpack(gzip.compress(_summed(bytes(tar), header), compresslevel=1))


@given(st.integers(min_value=0, max_value=60_000), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_never_changes_the_policy_that_comes_out(at: int, change: int) -> None:
    content = bytearray(_BUILT)
    content[at % len(content)] ^= change
    try:
        found = read_bundle(FILE, bytes(content), _KEY.public)
    except ConfigError:
        return
    assert (found.modules, found.data, found.revision) == (_SOURCE.modules, _SOURCE.data, _SOURCE.revision)


def _summed(tar: bytes, at: int) -> bytes:
    """The tar with a checksum that fits the header at `at`, so that what it says is believed."""
    blank = tar[: at + 148] + b" " * 8 + tar[at + 156 :]
    return blank[: at + 148] + b"%06o\0 " % sum(blank[at : at + 512]) + blank[at + 156 :]


def _base64(document: Any) -> str:

    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _pem(key: SigningKey) -> bytes:
    return key._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_KEY = SigningKey(ec.generate_private_key(ec.SECP256R1()))
_SOURCE = library()
_BUILT = build_bundle(_SOURCE, _KEY)
