"""Locks between processes."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.audit.files.locks import are_shared, flocked, locked


def test_one_of_two_takes_the_lock_and_the_next_when_it_is_free(tmp_path: Path) -> None:
    """Two descriptors are as two processes are."""
    path = tmp_path / "file"
    path.touch()
    one, other = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    try:
        with locked(one, path) as first, locked(other, path) as second:
            assert (first, second) == (True, False)
        with locked(other, path) as later:
            assert later
        with flocked(one) as taken, flocked(other) as again:
            assert (taken, again) == (True, False)
    finally:
        os.close(one)
        os.close(other)


def test_locks_of_a_local_folder_are_shared(tmp_path: Path) -> None:
    """Another process is stopped by the lock, and nothing stays in the folder."""
    assert are_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []
