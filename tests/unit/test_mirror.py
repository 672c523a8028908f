"""Each source file with logic of its own has its test file at the mirrored path."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW = 3  # statements: a function with more of them has logic of its own


def sources() -> Iterator[Path]:
    """The source files, relative to the project, but those that only name what is in their package."""
    for package in ("gateway", "cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "__init__.py":
                yield path.relative_to(ROOT)


def mirrored(source: Path) -> Path:
    """Where the tests of a source file are: `gateway/x/y.py` is tested by `tests/unit/x/test_y.py`."""
    inside = source.relative_to("gateway") if source.parts[0] == "gateway" else source
    return Path("tests", "unit", inside.parent, f"test_{inside.name}")


def has_logic(code: str) -> bool:
    """Return whether a function or method has more than a few statements, at any depth."""
    return any(
        sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)) - 1 - _documented(node) > FEW
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _documented(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(function) is not None


def missing() -> list[str]:
    """The source files with logic whose test file is not there, and where it should be."""
    return [
        f"{source} → {mirrored(source)}"
        for source in sources()
        if has_logic((ROOT / source).read_text("utf-8")) and not (ROOT / mirrored(source)).is_file()
    ]


def test_each_source_file_with_logic_has_its_test_file() -> None:
    """A reader finds the tests of a file without a search."""
    found = missing()
    assert not found, "\n".join(["no test file for", *found])


def test_a_test_file_of_the_mirrored_path_has_tests() -> None:
    """An empty file does not count as one with tests."""
    empty = [
        str(mirrored(source))
        for source in sources()
        if (path := ROOT / mirrored(source)).is_file() and "def test_" not in path.read_text("utf-8")
    ]
    assert empty == []


@pytest.mark.parametrize(
    ("code", "logic"),
    [
        ("X = {'a': 1}", False),
        ("class A:\n    x: int\n    def y(self):\n        'Say.'\n        return self.x", False),
        ("def f(x):\n    a = x\n    b = a\n    c = b\n    return c", True),
        ("def f(x):\n    if x:\n        for y in x:\n            yield y\n    yield 0", True),
    ],
)
def test_logic_is_a_function_of_more_than_a_few_statements(code: str, logic: bool) -> None:
    assert has_logic(code) == logic


if __name__ == "__main__":
    print("\n".join(missing()))
