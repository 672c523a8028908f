"""Write `docs/decisions/README.md`, the index of decisions, from the title and the status of each.

A decision without a `Status:` is given `Status: accepted` first.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
_HEAD = re.compile(r"# (\d+)\. (.+)\n\nStatus: (.+)\n\n")
_TITLE = re.compile(r"\A(# \d+\. .+\n\n)(?!Status: )")
_INTRODUCTION = """# Decisions

What was decided, and why, where the obvious choice would not have held. One page each, written when the
choice was made and not rewritten later: a new decision takes the place of an old one, and both say so in
their `Status:`. A page begins with `# NUMBER. Title` and `Status: accepted`; `make docs` renews this index.

| number | decision | status |
|---|---|---|
"""


def index(folder: Path) -> str:
    """Return the page. Raises ValueError on a decision without number, title or status."""
    rows = []
    for path in sorted(folder.glob("[0-9]*.md")):
        head = _HEAD.match(path.read_text("utf-8"))
        if head is None or int(head[1]) != int(path.name[:4]):
            raise ValueError(
                f"{path.name}: expected '# {int(path.name[:4])}. Title' and 'Status: …' at its top"
            )
        rows.append(f"| {head[1]} | [{head[2]}]({path.name}) | {head[3]} |\n")
    return _INTRODUCTION + "".join(rows)


def accept(folder: Path) -> None:
    """Write `Status: accepted` into the decisions that have no status."""
    for path in folder.glob("[0-9]*.md"):
        text = path.read_text("utf-8")
        if (accepted := _TITLE.sub(r"\1Status: accepted\n\n", text)) != text:
            path.write_text(accepted, "utf-8")


if __name__ == "__main__":
    try:
        accept(FOLDER)
        (FOLDER / "README.md").write_text(index(FOLDER), "utf-8")
    except ValueError as error:
        sys.exit(f"decisions: {error}")
