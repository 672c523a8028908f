"""Which files are policy, and what shows that one changed."""

import os
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy.source.files import fingerprint, policy_files, read_plain


def test_policy_files_come_in_a_fixed_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.rego", "a/data.yaml", ".git/x.rego", "README.md", "a/.x.rego"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in policy_files(tmp_path)] == [
        "b.rego",
        "a/data.yaml",
    ]


def test_a_file_that_would_be_left_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deny.rgeo").write_text("")
    with pytest.raises(ConfigError, match=r"deny\.rgeo: would be left out"):
        list(policy_files(tmp_path))


def test_an_edit_changes_the_fingerprint_even_with_the_old_time(tmp_path: Path) -> None:
    file = tmp_path / "a.rego"
    file.write_text("package a")
    before, state = fingerprint(tmp_path), file.stat()
    assert fingerprint(tmp_path) == before
    file.write_text("package b")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint(tmp_path) != before


def test_a_file_over_the_limit_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"12345")
    assert read_plain(tmp_path / "long", 5) == b"12345"
    with pytest.raises(ConfigError, match="at most 4 bytes"):
        read_plain(tmp_path / "long", 4)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="expected a plain file"):
        read_plain(tmp_path / "pipe", 5)
