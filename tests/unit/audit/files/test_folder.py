"""The audit folder's names and its empty files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.files.folder import Folder, is_tombstone, segment_name, split_segment, tombstone
from gateway.errors import ConfigError


def test_a_segments_name_is_its_writer_and_number() -> None:
    """Splitting a name undoes making it."""
    assert split_segment(segment_name("w1", 7)) == ("w1", 7)


@pytest.mark.parametrize("name", ["", "empty", "w1", "W1-000001", "w1-1", "../w1-000001", "w1-000001.ndjson"])
def test_any_other_name_is_no_segment(name: str) -> None:
    """Nothing is read into a name of another shape."""
    assert split_segment(name) is None


def test_a_prepared_folder_is_left_as_it_is(tmp_path: Path) -> None:
    """The second preparation writes nothing."""
    folder = Folder(tmp_path / "audit")
    folder.prepare()
    before = {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")}
    folder.prepare()

    assert {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")} == before
    assert folder.no_records.is_file()
    assert folder.live_files() == folder.sealed_files() == []


def test_an_empty_file_that_a_power_cut_spoilt_is_written_again(tmp_path: Path) -> None:
    """Without it, queries would fail for want of any sealed file."""
    folder = Folder(tmp_path)
    folder.prepare()
    folder.no_records.unlink()
    folder.no_records.touch()
    folder.prepare()
    assert folder.no_records.read_bytes().startswith(b"PAR1")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands in its way."""
    (tmp_path / "audit").touch()
    with pytest.raises(ConfigError, match="cannot be prepared"):
        Folder(tmp_path / "audit").prepare()


def test_a_tombstone_is_told_from_a_segment(tmp_path: Path) -> None:
    """It begins as no record does."""
    grave, segment = tmp_path / "a", tmp_path / "b"
    grave.write_bytes(tombstone("w1-000001", "2026-11-27T08:00:00+00:00"))
    segment.write_bytes(b'{"writer":"w1"}')
    assert is_tombstone(grave)
    assert not is_tombstone(segment)
