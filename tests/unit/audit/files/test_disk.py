"""Files written whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.audit.files.disk import Disk, file_sha256


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The old content goes, the draft does too, and the mode is the one asked for."""
    path, draft = tmp_path / "file", tmp_path / "draft"
    path.write_bytes(b"a much longer content than the new one")
    Disk().replace(path, b"new", draft, 0o400)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o400
    assert not draft.exists()


def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing rename raises, and the old content stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(old: Path, new: Path) -> None:
        raise OSError("the disk is gone")

    disk = Disk()
    monkeypatch.setattr(disk, "rename", fail)
    with pytest.raises(OSError, match="gone"):
        disk.replace(path, b"new", tmp_path / "draft")
    assert path.read_bytes() == b"old"


def test_of_two_that_write_once_the_first_wins(tmp_path: Path) -> None:
    """The second finds the file of the first and leaves nothing behind."""
    path = tmp_path / "key"
    for content in (b"first", b"second"):
        Disk().write_once(path, content, 0o600)

    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    """Making it again changes nothing."""
    for _ in range(2):
        Disk().make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_digest_is_of_the_whole_file(tmp_path: Path) -> None:
    """It is the SHA-256 of the content, in hexadecimal digits."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    assert file_sha256(path) == hashlib.sha256(b"x" * 100_000).hexdigest()
