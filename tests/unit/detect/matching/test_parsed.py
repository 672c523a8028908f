"""What was read out of patterns is kept, and read anew when anything that it depends on is another."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from gateway.detect.matching import parsed
from gateway.detect.matching.opening import Opening, opening

PATTERNS = [regex.compile(r"key-\d{4}"), regex.compile("a+b")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "regate" / "patterns"


def test_what_is_kept_is_what_was_read(folder: Path) -> None:
    expected = [opening(pattern) for pattern in PATTERNS]
    for _ in range(2):
        assert parsed.parsed(PATTERNS, opening, Opening) == expected
    assert len(list(folder.iterdir())) == 1


def test_other_patterns_and_another_parser_are_read_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed.parsed(PATTERNS, opening, Opening)
    parsed.parsed([regex.compile("a+b", regex.IGNORECASE)], opening, Opening)
    monkeypatch.setattr(parsed, "_PARSERS", ("opening.py",))
    parsed.parsed(PATTERNS, opening, Opening)
    assert len(list(folder.iterdir())) == 3


def test_a_damaged_file_is_read_anew(folder: Path) -> None:
    expected = parsed.parsed(PATTERNS, opening, Opening)
    (kept,) = folder.iterdir()
    kept.write_bytes(b"damaged")
    assert parsed.parsed(PATTERNS, opening, Opening) == expected
