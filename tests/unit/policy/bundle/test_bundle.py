"""A bundle is the same each time, is what OPA understands, and nothing unproven comes out of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigError
from gateway.policy.bundle.bundle import build_bundle, check_signature, describe_bundle, read_bundle
from gateway.policy.bundle.signing_keys import (
    SigningKey,
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


@given(st.integers(min_value=0, max_value=60_000), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_never_changes_the_policy_that_comes_out(at: int, change: int) -> None:
    content = bytearray(_BUILT)
    content[at % len(content)] ^= change
    try:
        found = read_bundle(FILE, bytes(content), _KEY.public)
    except ConfigError:
        return
    assert (found.modules, found.data, found.revision) == (_SOURCE.modules, _SOURCE.data, _SOURCE.revision)


_KEY = SigningKey(ec.generate_private_key(ec.SECP256R1()))
_SOURCE = library()
_BUILT = build_bundle(_SOURCE, _KEY)
