"""A child process reads and packs policy with the same result as this process would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.policy.loading import reading
from gateway.policy.loading.reading import pack_policy, read_policy


async def test_a_folder_is_read_as_in_this_process(policy: Path) -> None:
    found, expected = await read_policy(policy, None, {}), load_source(policy)
    assert (found.root, found.revision, found.archive) == (policy, expected.revision, b"")
    assert (found.modules, found.data) == (expected.modules, expected.data)


async def test_what_is_packed_is_signed_and_read_again(policy: Path, tmp_path: Path) -> None:
    key, public = create_signing_key(tmp_path / "policy.key", "ES256")
    source = load_source(policy)
    packed = await pack_policy(source, tmp_path / "policy.key")
    assert packed == build_bundle(source, key)
    bundle = tmp_path / "policy.tar.gz"
    bundle.write_bytes(packed)
    found = await read_policy(bundle, public, {})
    assert (found.modules, found.revision, found.archive) == (source.modules, source.revision, packed)


async def test_what_is_refused_is_refused_in_the_same_words(policy: Path, tmp_path: Path) -> None:
    source = load_source(policy)
    (policy / "rules" / "rogue.rego").write_text("package system.authz\n")
    with pytest.raises(ConfigError) as here:
        load_source(policy)
    with pytest.raises(ConfigError) as there:
        await read_policy(policy, None, {})
    assert str(there.value) == str(here.value)
    with pytest.raises(ConfigError, match=r"none\.key: the private key cannot be read"):
        await pack_policy(source, tmp_path / "none.key")


async def test_a_reader_that_ends_early_makes_policy_unavailable(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "reader.py"
    program.write_text("import sys; sys.exit(3)\n")
    monkeypatch.setattr(reading, "_READER", program)
    with pytest.raises(PolicyUnavailable, match="the reader ended with 3"):
        await read_policy(policy, None, {})
