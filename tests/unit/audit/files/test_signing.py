"""Signed lines and their key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.files.disk import Disk
from gateway.audit.files.signing import BadLine, Signer, load_signer, load_verifier
from gateway.errors import ConfigError


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return load_signer(tmp_path_factory.mktemp("state") / "evidence.key", Disk())


def test_a_line_is_read_by_the_public_half(signer: Signer) -> None:
    """The document comes back with the key's id and without the signature."""
    verifier = load_verifier(signer.path.with_suffix(".pub"))
    line = signer.line({"kind": "end", "segment": "w1-000001"})
    assert line.endswith(b"\n")
    assert verifier.read(line[:-1]) == {"kind": "end", "segment": "w1-000001", "key": verifier.key_id}


@given(st.data())
def test_no_byte_of_a_signed_line_can_be_changed(signer: Signer, data: st.DataObject) -> None:
    """Also not into another spelling of the same JSON."""
    line = signer.line({"kind": "end", "segment": "w1-000001"})[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    with pytest.raises(BadLine):
        signer.verifier.read(line[:place] + bytes([byte]) + line[place + 1 :])


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """Anyone could sign."""
    path = tmp_path / "evidence.key"
    load_signer(path, Disk())
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        load_signer(path, Disk())


def test_a_foreign_public_half_is_told(tmp_path: Path) -> None:
    """Evidence would be handed out with a key that proves nothing of it."""
    one, other = tmp_path / "one.key", tmp_path / "other.key"
    load_signer(one, Disk())
    load_signer(other, Disk())
    other.with_suffix(".pub").replace(one.with_suffix(".pub"))
    with pytest.raises(ConfigError, match="not the public half"):
        load_signer(one, Disk())


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"]
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    path = tmp_path / "evidence.pub"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"evidence\.pub"):
        load_verifier(path)
