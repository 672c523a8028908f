"""Print the unit tests of what changed, one path a line, for `make test-fast`.

gateway/audit/files/locks.py        tests/unit/audit/files/test_locks.py, or the tests of that folder
cli/keys.py                         tests/unit/cli/test_keys.py
tests/unit/state/test_keys.py       itself
README.md, docs, a template         tests/unit/test_plain_english.py

Changed is what differs from where this branch left main: committed, edited or new.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNIT = Path("tests/unit")
_WORDS = UNIT / "test_plain_english.py"
_NAMES = UNIT / "test_names.py"


def changed(root: Path) -> list[Path]:
    """Return the files that differ from where this branch left main."""
    for main in ("origin/main", "main", "HEAD"):
        if base := _git(root, "merge-base", "HEAD", main):
            break
    else:
        raise ValueError("expected a git checkout with a commit")
    tracked = _git(root, "diff", "--name-only", base[0])
    return [Path(name) for name in (*tracked, *_git(root, "ls-files", "--others", "--exclude-standard"))]


def mirrors_of(root: Path, files: Iterable[Path]) -> list[Path]:
    """Return the unit tests of these files that exist, each once, in the order of their paths."""
    found = {path for file in files for path in _candidates(root, file) if (root / path).is_file()}
    return sorted(found)


def _candidates(root: Path, file: Path) -> Iterator[Path]:
    match file.parts:
        case ("tests", "unit", *_):
            if file.name.startswith("test_"):
                yield file
            elif file.name == "conftest.py":
                yield from _folder(root, file.parent)
        case ("gateway" | "cli" | "scripts", *_) if file.suffix in ("", ".py"):
            yield from _mirror(root, file)
            if file.parts[0] != "scripts":
                yield from (_WORDS, _NAMES)
        case _ if file.suffix in (".md", ".html", ".rego"):
            yield _WORDS


def _mirror(root: Path, file: Path) -> Iterator[Path]:
    """Yield the test file at the mirrored path; where there is none, those of the package's own folder."""
    inside = file.relative_to("gateway") if file.parts[0] == "gateway" else file
    test = UNIT / inside.parent / f"test_{inside.stem.replace('-', '_')}.py"
    if (root / test).is_file():
        yield test
    elif test.parent != UNIT:
        yield from _folder(root, test.parent)


def _folder(root: Path, folder: Path) -> Iterator[Path]:
    return (path.relative_to(root) for path in (root / folder).glob("test_*.py"))


def _git(root: Path, *arguments: str) -> list[str]:
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return run.stdout.splitlines() if run.returncode == 0 else []


if __name__ == "__main__":
    try:
        print("\n".join(map(str, mirrors_of(ROOT, changed(ROOT)))))
    except ValueError as error:
        sys.exit(f"changed_tests: {error}")
