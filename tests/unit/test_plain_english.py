"""Docstrings and messages read as plain English, as far as a program can tell.

python -m tests.unit.test_plain_english gateway/audit    what is left to do in a folder
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("gateway", "cli")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "gateway/http/console/templates", "cli")
SHARE = 0.9  # of the functions' docstrings

# Riddles: who is meant, and what?
BANNED = re.compile(
    r"\b(nobody|nobody's|whoever|whomever|somebody|somebody's|what is no|who is no)\b", re.IGNORECASE
)
# British spellings that slip in. `cancelled` in quotes, or within a name, is a status and a word of Python's.
BRITISH = re.compile(
    r"\b(behaviour|colour|honour|favour|normalis|authoris|serialis|organis|recognis|licence|labell|modell)"
    r"|(?<![\w\"'`.])cancelled(?![\w\"'`(])",
    re.IGNORECASE,
)
# What no imperative begins with, nor ends with; with the exceptions.
_NO_VERBS = """
a an the this that these those what which who whom whose where when why how whether if it its they
their no not none one two three each every all any both some many most more other another as at by
for from in of on off to with without within under over up down so and or but also only true false
see raises yes
"""
_NOUN_ENDINGS = ("tion", "ness", "ment", "ity", "ing", "er", "ers", "ed")
_VERBS_ALL_THE_SAME = """
mention position question implement document comment increment register answer enter filter order
render offer cover discover gather remember consider deliver recover trigger lower differ bring ring
transfer alter need feed embed speed number
"""


def docstrings(folder: Path) -> Iterator[tuple[Path, int, str, str]]:
    """Yield file, line, name and docstring of every function that has one, in the order of the files."""
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_property(node):
                continue
            if text := ast.get_docstring(node):
                yield path, node.lineno, node.name, text


def begins_with_a_verb(text: str) -> bool:
    """Tell whether the first word can be an imperative: "Return", "Mask", not "The", "Whether", "Texts"."""
    word = re.split(r"[\s,.:;]", text.strip(), maxsplit=1)[0].lower()
    if not word.isalpha() or word in _NO_VERBS.split():
        return False
    if word in _VERBS_ALL_THE_SAME.split():
        return True
    if word.endswith("s") and not word.endswith("ss"):
        return False  # "Reads", "Texts": an imperative has no s
    return not word.endswith(_NOUN_ENDINGS)


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether it is read like an attribute: its docstring is a noun, as an attribute's is."""
    return any(
        (isinstance(one, ast.Name) and one.id in ("property", "cached_property"))
        or (isinstance(one, ast.Attribute) and one.attr in ("setter", "cached_property"))
        for one in node.decorator_list
    )


def test_functions_say_what_they_do_with_a_verb_first() -> None:
    found = [entry for source in SOURCES for entry in docstrings(ROOT / source)]
    missing = [entry for entry in found if not begins_with_a_verb(entry[3])]
    share = 1 - len(missing) / len(found)
    assert share >= SHARE, f"{share:.0%} begin with a verb, expected {SHARE:.0%}:\n" + "\n".join(
        _lines(missing)
    )


def test_no_riddle_stands_in_what_people_read() -> None:
    assert not list(_riddles([ROOT / name for name in (*SOURCES, *PAGES) if (ROOT / name).exists()]))


def _riddles(places: list[Path]) -> Iterator[str]:
    seen: set[Path] = set()
    for place in places:
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in files:
            if (
                path in seen
                or path.suffix not in (".py", ".md", ".html", ".rego", ".yaml")
                or "decisions" in path.parts
            ):
                continue
            seen.add(path)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                for pattern in (BANNED, BRITISH):
                    if found := pattern.search(line):
                        yield f"{path.relative_to(ROOT)}:{number}: {found[0]}: {line.strip()}"


def _lines(found: list[tuple[Path, int, str, str]]) -> Iterator[str]:
    for path, line, name, text in found:
        yield f"{path.relative_to(ROOT)}:{line} {name}: {text.splitlines()[0]}"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        every = list(docstrings(ROOT / argument))
        left = [entry for entry in every if not begins_with_a_verb(entry[3])]
        print("\n".join(_lines(left)))
        print("\n".join(_riddles([ROOT / argument])))
        print(f"{argument}: {len(every) - len(left)} of {len(every)} docstrings begin with a verb")
