"""The index of decisions names each of them, with its title and status."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.decisions import FOLDER, accept, index


def test_the_index_is_renewed() -> None:
    """`make docs` renews it."""
    assert (FOLDER / "README.md").read_text("utf-8") == index(FOLDER)


def test_every_decision_is_in_it_once() -> None:
    page = index(FOLDER)
    decisions = list(FOLDER.glob("[0-9]*.md"))
    assert decisions
    assert all(page.count(f"({path.name})") == 1 for path in decisions)


@pytest.mark.parametrize(
    "text",
    ["# A title\n\nStatus: accepted\n\n", "# 7. A title\n\nText.\n", "# 8. A title\n\nStatus: accepted\n\n"],
)
def test_a_decision_without_number_or_status_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "0007-a-title.md").write_text(text)
    with pytest.raises(ValueError, match="0007-a-title"):
        index(tmp_path)


def test_a_decision_is_accepted_unless_it_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "0007-new.md").write_text("# 7. New\n\nText.\n")
    (tmp_path / "0008-old.md").write_text("# 8. Old\n\nStatus: replaced by 7\n\nText.\n")
    accept(tmp_path)
    assert (tmp_path / "0007-new.md").read_text() == "# 7. New\n\nStatus: accepted\n\nText.\n"
    assert "| 8 | [Old](0008-old.md) | replaced by 7 |" in index(tmp_path)
