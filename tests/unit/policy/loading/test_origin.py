"""Policy comes from a folder, or from a bundle with its key; a change of either is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.policy.loading.origin import is_bundle, load_policy, prints_of


@pytest.fixture
def signed(tmp_path: Path, policy: Path) -> tuple[Path, Path]:
    """A bundle of the library, and the public key of who signed it."""
    key, public = create_signing_key(tmp_path / "policy.key", "ES256")
    bundle = tmp_path / "policy.tar.gz"
    bundle.write_bytes(build_bundle(load_source(policy), key))
    return bundle, public


def test_a_folder_and_its_bundle_are_one_policy(policy: Path, signed: tuple[Path, Path]) -> None:
    folder, bundle = load_policy(policy, None, {}), load_policy(*signed, {})
    assert folder == load_source(policy)
    assert (bundle.modules, bundle.data, bundle.revision) == (folder.modules, folder.data, folder.revision)
    assert bundle.archive == signed[0].read_bytes()
    assert (is_bundle(signed[0]), is_bundle(policy)) == (True, False)


def test_a_bundle_without_its_own_key_is_not_read(tmp_path: Path, signed: tuple[Path, Path]) -> None:
    _, another = create_signing_key(tmp_path / "another.key", "ES256")
    with pytest.raises(ConfigError, match=r"expected policy\.verify_key"):
        load_policy(signed[0], None, {})
    with pytest.raises(ConfigError, match=r"it is signed by|does not fit the key"):
        load_policy(signed[0], another, {})


def test_an_edit_of_the_folder_of_the_bundle_and_of_the_key_is_a_change(
    policy: Path, signed: tuple[Path, Path]
) -> None:
    for path, key, edited in (
        (policy, None, policy / "main.rego"),
        (*signed, signed[0]),
        (*signed, signed[1]),
    ):
        before = prints_of(path, key)
        assert prints_of(path, key) == before
        edited.write_bytes(edited.read_bytes() + b"\n")
        assert prints_of(path, key) != before


def test_a_bundle_that_goes_away_is_a_change_and_a_folder_that_does_is_refused(
    policy: Path, signed: tuple[Path, Path]
) -> None:
    before = prints_of(*signed)
    signed[0].unlink()
    assert prints_of(*signed) != before
    with pytest.raises(ConfigError):
        prints_of(policy / "none", None)


def test_settings_that_name_what_does_not_exist_are_refused(policy: Path, signed: tuple[Path, Path]) -> None:
    names = {"entity": ["US_SSN"]}
    for path, key in ((policy, None), signed):
        with pytest.raises(ConfigError, match=r"settings\.entities\.\w+: no detector finds"):
            load_policy(path, key, names)
