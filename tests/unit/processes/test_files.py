"""Files that appear whole or not at all."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.processes import draft, locked, replace, write_new


def test_a_new_file_has_its_content_and_mode(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"secret", 0o600)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_new_file_is_never_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "key", b"new")
    assert (tmp_path / "key").read_bytes() == b"old"


def test_a_replaced_file_is_the_new_one_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "list"
    replace(path, b"old")
    replace(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"old")
    with suppress(RuntimeError), draft(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_appears_at_the_end_of_its_block(tmp_path: Path) -> None:
    with draft(tmp_path / "list", durable=False) as file:
        file.write(b"all")
        assert not (tmp_path / "list").exists()
    assert (tmp_path / "list").read_bytes() == b"all"


def test_a_draft_stays_in_the_open_folder_when_its_name_moves(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    folder = os.open(tmp_path / "mine", os.O_RDONLY)
    (tmp_path / "mine").rename(tmp_path / "moved")
    (tmp_path / "mine").mkdir()
    with draft(Path("list"), dir_fd=folder) as file:
        file.write(b"all")
    os.close(folder)
    assert (tmp_path / "moved/list").read_bytes() == b"all"
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_locked_folder_lets_one_in_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path):
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
