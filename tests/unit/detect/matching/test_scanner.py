"""Databases of patterns are kept where only this user can write."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from gateway.detect.matching import scanner
from gateway.detect.matching.scanner import Expression, Scanner


def _ends(folder: Path) -> dict[int, list[int]]:
    return Scanner([Expression(b"a+b"), Expression(b"c", once=True)], folder).ends(b"aab ab cc")


def test_a_compiled_database_is_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "patterns"
    expected = _ends(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(scanner, "_compile", None)
    assert _ends(folder) == expected == {0: [[3, 3], [6, 6]], 1: [[8, 8]]}


def test_what_was_not_read_for_a_month_goes_when_something_is_kept(tmp_path: Path) -> None:
    """It was another version's. What is read stays, however long ago it was made."""
    folder = tmp_path / "patterns"
    Scanner([Expression(b"old")], folder)
    _ends(folder)
    a_month_ago = time.time() - 31 * 86_400
    for each in folder.iterdir():
        os.utime(each, (a_month_ago, a_month_ago))
    made = set(folder.iterdir())
    _ends(folder)
    Scanner([Expression(b"new")], folder)

    (read,) = made & set(folder.iterdir())
    assert len(made) == 2
    assert read.stat().st_mtime > a_month_ago + 86_400
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 5000])
def test_a_damaged_database_is_compiled_anew(tmp_path: Path, damage: bytes) -> None:
    expected = _ends(tmp_path / "patterns")
    (kept,) = (tmp_path / "patterns").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert _ends(tmp_path / "patterns") == expected
    assert kept.read_bytes() == whole


def test_a_database_in_a_folder_that_others_can_enter_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "patterns"
    expected = _ends(folder)
    (kept,) = folder.iterdir()
    kept.write_bytes(b"foreign")
    folder.chmod(0o755)
    assert _ends(folder) == expected
    assert kept.read_bytes() == b"foreign"


def test_where_no_folder_can_be_had_the_patterns_are_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _ends(tmp_path / "file" / "patterns") == {0: [[3, 3], [6, 6]], 1: [[8, 8]]}


def test_an_expression_that_hyperscan_does_not_take_leaves_the_others_gated(tmp_path: Path) -> None:
    assert Scanner([Expression(b"a(?=b)")], tmp_path / "patterns").ends(b"ab") == {}
    taken = Scanner([Expression(b"a(?=b)"), Expression(b"c")], tmp_path / "patterns")
    assert list(taken.numbers) == [Expression(b"c")]
    assert taken.ends(b"abcc c") == {0: [[3, 4], [6, 6]]}
