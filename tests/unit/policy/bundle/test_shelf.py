"""One bundle is in use, whole, and the way back is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy.bundle.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "bundles")


def test_rollback_goes_back_one_use_at_a_time(shelf: Shelf) -> None:
    for revision in ("a", "b", "b", "c"):
        shelf.use(revision, revision.encode())
    for revision in ("b", "a"):
        assert shelf.previous() == revision
        shelf.back(revision, shelf.path_of(revision).read_bytes())
        assert shelf.in_use.read_bytes() == revision.encode()
    with pytest.raises(ConfigError, match="no bundle was in use before"):
        shelf.previous()


def test_going_back_to_what_is_not_the_previous_one_changes_nothing(shelf: Shelf) -> None:
    shelf.use("a", b"a")
    shelf.use("b", b"b")
    with pytest.raises(ConfigError, match="another command"):
        shelf.back("b", b"b")
    assert shelf.in_use.read_bytes() == b"b"


def test_a_bundle_is_replaced_and_never_written_into(shelf: Shelf) -> None:
    shelf.use("a", b"a" * 1000)
    with shelf.in_use.open("rb") as reader:
        shelf.use("b", b"b")
        assert reader.read() == b"a" * 1000
    assert sorted(path.name for path in shelf.folder.iterdir()) == [
        ".used",
        "policy-a.tar.gz",
        "policy-b.tar.gz",
        "policy.tar.gz",
    ]


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '["../x"]'])
def test_a_history_that_cannot_be_read_is_said(shelf: Shelf, text: str) -> None:
    shelf.use("a", b"a")
    (shelf.folder / ".used").write_text(text)
    with pytest.raises(ConfigError, match="list of revisions"):
        shelf.previous()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        Shelf(tmp_path / "file").put("a", b"a")
