"""What goes around the gateway in one file: hosts of providers, their clients, their keys."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from cli.scan.clients import GO, HOST, JAVA, KEYS, READY_MADE, RUBY, SCRIPT, VENDORS, Client
from cli.scan.python import NotPython, python_clients, python_hosts
from cli.scan.sources import SourceFile
from gateway.config import Detect
from gateway.detect import Detector

Kind = Literal["provider_host", "direct_client", "provider_key"]

_ALLOWED = "regate: direct"  # a line that says so, or the one before it, is let be
_LONGEST = 4000  # characters of a call's arguments
_KEY = re.compile(r"(?<![\w-])(?:" + "|".join(start for _, start in KEYS) + r")[\w-]{12,200}")
# Each takes what it reads for good, to the end of the text where nothing closes it: the time is linear.
_STRING = r"\"(?:\\.|[^\"\\\n])*+\"?|'(?:\\.|[^'\\\n])*+'?|`(?:\\.|[^`\\])*+`?"
_SLASHES = re.compile(_STRING + r"|(?<!:)//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?", re.DOTALL)
_HASHES = re.compile(_STRING + r"|#[^\n]*+", re.DOTALL)
_TAKEN = r"\{([^}]{0,300})\}\s*(?:from|=\s*require\()\s*"  # names out of a module
_OPENED = re.compile(r"\s{0,100}(?:<[^()]{0,200}>)?\s{0,100}\(")
_PARENTHESIS = re.compile(r"[()]")
_STATEMENT = re.compile(r";|\n[ \t]*\n|\n[ \t]*end\b")
_SCRIPTS = re.compile(r"(?i)<script\b[^>]{0,500}>(?:(?!</script)[\s\S])*+")
_STRING_OF_LINE = re.compile(r"\"(?:\\.|[^\"\\])*+\"(?=\s*,?\s*$)")
# What a line of settings begins a comment with; `#` after a blank does in the middle of one, too.
_COMMENTS = {
    **dict.fromkeys((".sql", ".lua"), "--"),
    **dict.fromkeys((".ini", ".cfg", ".conf", ".properties"), "[#;]"),
    **dict.fromkeys((".tf", ".tfvars", ".jsonc", ".json5", ".gradle", ".proto"), "#|//"),
}


@dataclass(frozen=True, slots=True)
class Bypass:
    """One way around. `subject` is a host, the name of a client, or the beginning of a key."""

    name: str
    line: int
    kind: Kind
    vendor: str
    subject: str

    @property
    def said(self) -> str:
        """What is wrong."""
        match self.kind:
            case "provider_host":
                return f"{self.subject} is called directly"
            case "direct_client":
                return f"{self.subject} says no address: it calls {self.vendor} directly"
            case "provider_key":
                return f"a key of {self.vendor} ({self.subject}…) stands here: only the gateway holds it"


def bypasses(source: SourceFile, moved: frozenset[str]) -> Iterator[Bypass]:
    """Yield what goes around in a file; `moved` are the variables that send SDKs to the gateway there."""
    found = {*_calls(source, moved), *_keys(source)}
    allowed = {number for number, line in enumerate(source.text.split("\n"), 1) if _ALLOWED in line}
    for one in sorted(found, key=lambda one: (one.line, one.kind, one.subject)):
        if not {one.line, one.line - 1} & allowed:
            yield one


def variables(source: SourceFile, gateway: str) -> frozenset[str]:
    """Return the variables of SDKs that a file of settings sets to the gateway.

    Where `gateway` is empty, to anything but a provider's host. A reference (`$URL`) is believed.
    """
    suffix = PurePosixPath(source.name).suffix.lower()
    if _language(source.name) is not None or suffix in _PROSE | _PAGES:
        return frozenset()
    host = urlsplit(gateway).netloc
    return frozenset(
        name
        for name, value in _variable().findall(_settings(source))
        if value.strip("\"'") and not HOST.search(value) and (host in value or "$" in value)
    )


@cache
def _variable() -> re.Pattern[str]:
    names = "|".join(name for vendor in VENDORS.values() for name in vendor.variables)
    return re.compile(rf"\b({names})\b[\"']?(?:[ \t]*[:=][ \t]*|[ \t]*\n[ \t]*value:[ \t]*)([^\s,}}]+)")


_Language = tuple[re.Pattern[str], Sequence[Client]]
_LANGUAGES: dict[str, _Language] = {
    **dict.fromkeys(
        (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"), (_SLASHES, SCRIPT)
    ),
    ".rb": (_HASHES, RUBY),
    ".go": (_SLASHES, GO),
    **dict.fromkeys((".java", ".kt", ".kts", ".scala"), (_SLASHES, JAVA)),
    **dict.fromkeys((".cs", ".php", ".rs", ".swift", ".c", ".cc", ".cpp", ".dart"), (_SLASHES, ())),
}
_PAGES = frozenset({".html", ".htm", ".svg", ".xhtml"})
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".lock"})


def _language(name: str) -> str | None:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in _LANGUAGES or suffix in (".py", ".ipynb") else None


def _calls(source: SourceFile, moved: frozenset[str]) -> Iterator[Bypass]:
    suffix = PurePosixPath(source.name).suffix.lower()
    if suffix == ".py":
        yield from _in_python(source.name, source.text, moved, lambda line: line)
    elif suffix == ".ipynb":
        yield from _in_notebook(source, moved)
    elif suffix in _LANGUAGES:
        comments, clients = _LANGUAGES[suffix]
        yield from _in_code(source, comments, clients, moved)
    elif suffix in _PAGES:
        kept = [found.span() for found in _SCRIPTS.finditer(source.text)]
        page = SourceFile(source.name, _only(kept, source.text))
        yield from _in_code(page, _SLASHES, SCRIPT, moved)
    elif suffix not in _PROSE:
        yield from _hosts(source.name, _settings(source))


def _in_python(name: str, text: str, moved: frozenset[str], at: Callable[[int], int]) -> Iterator[Bypass]:
    try:
        for line, host in python_hosts(text):
            yield Bypass(name, at(line), "provider_host", *_host(host))
        for line, client, called in python_clients(text):
            if not moved.intersection(VENDORS[client.vendor].variables):
                yield Bypass(name, at(line), "direct_client", client.vendor, called)
    except NotPython:  # another Python, or a template: its lines are read as settings are
        yield from _hosts(name, _settings(SourceFile(name, text)))


def _in_notebook(source: SourceFile, moved: frozenset[str]) -> Iterator[Bypass]:
    try:
        cells = json.loads(source.text)["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        yield from _hosts(source.name, source.text)
        return
    places = _Places(source.text)
    for code in codes:
        lines = code.split("\n")
        numbers = [places.of(line) for line in lines]
        # a line of shell (`!pip`, `%time`) is no Python
        plain = "\n".join("" if line.lstrip().startswith(("!", "%")) else line for line in lines)
        yield from _in_python(source.name, plain, moved, lambda line, numbers=numbers: numbers[line - 1])  # type: ignore[misc]


class _Places:
    """Where the lines of a notebook's cells, asked for in their order, stand in its file."""

    def __init__(self, text: str) -> None:
        self._at, self._numbers = 0, defaultdict[str, list[int]](list)
        for number, raw in enumerate(text.split("\n"), 1):
            if found := _STRING_OF_LINE.search(raw):
                with suppress(ValueError):
                    for line in json.loads(found[0]).split("\n"):
                        self._numbers[line].append(number)

    def of(self, line: str) -> int:
        """Return the number of the next line of the file that holds it; the last one's where none does."""
        numbers = self._numbers[line]
        if (place := bisect_left(numbers, self._at)) < len(numbers):
            self._at = numbers[place]
        return max(1, self._at)


def _in_code(
    source: SourceFile, comments: re.Pattern[str], clients: Sequence[Client], moved: frozenset[str]
) -> Iterator[Bypass]:
    text = _without(comments, source.text)
    yield from _hosts(source.name, text)
    lines = _Lines(text)
    for client in clients:
        if not _is_imported(client.package, clients, text):
            continue
        if moved.intersection(VENDORS[client.vendor].variables):
            continue
        for called in client.names:
            pattern, at = re.compile(rf"(?<![\w.$]){re.escape(called)}\b".replace(r"\ ", r"[ \t]+")), 0
            while call := pattern.search(text, at):
                at = _end(text, call.end(), until=_STATEMENT if clients in (JAVA, RUBY) else None)
                if at > call.end() and not any(word in text[call.end() : at] for word in client.moved_by):
                    yield Bypass(source.name, lines.of(call.start()), "direct_client", client.vendor, called)
                at = max(at, call.end())
    for package, (ready, vendor) in READY_MADE.items() if clients is SCRIPT else ():
        if package not in text or moved.intersection(VENDORS[vendor].variables):
            continue
        for taken in re.finditer(_TAKEN + rf"[\"']{package}[\"']", text):
            if ready in {re.split(" as |:", piece)[0].strip() for piece in taken[1].split(",")}:
                yield Bypass(source.name, lines.of(taken.start()), "direct_client", vendor, ready)


def _is_imported(package: str, clients: Sequence[Client], text: str) -> bool:
    if clients is SCRIPT:
        return any(f"{quote}{package}{end}" in text for quote in "\"'" for end in f"{quote}/")
    return clients is RUBY or package in text  # Ruby's are loaded by Bundler


def _end(text: str, at: int, until: re.Pattern[str] | None) -> int:
    """Return where a call ends: with its statement, or with its parentheses; `at` when it has none."""
    if until:
        end = until.search(text, at, at + _LONGEST)
        return end.start() if end else min(len(text), at + _LONGEST)
    if not (opened := _OPENED.match(text, at)):
        return at
    depth = 0
    for found in _PARENTHESIS.finditer(text, opened.end() - 1, at + _LONGEST):
        depth += 1 if found.group() == "(" else -1
        if not depth:
            return found.end()
    return min(len(text), at + _LONGEST)


def _hosts(name: str, text: str) -> Iterator[Bypass]:
    lines = _Lines(text)
    for host in HOST.finditer(text):
        yield Bypass(name, lines.of(host.start()), "provider_host", *_host(host))


def _host(found: re.Match[str]) -> tuple[str, str]:
    return str(found.lastgroup), found.group()


def _keys(source: SourceFile) -> Iterator[Bypass]:
    lines = _Lines(source.text)
    for key in _KEY.finditer(source.text):
        begin = max(0, key.start() - 100)
        place = range(key.start() - begin, key.end() - begin)
        found = _detector().inspect(source.text[begin : key.end() + 100])
        if any(one.category == "secret" and one.start in place for one in found):
            vendor, start = next(pair for pair in KEYS if key.group().startswith(pair[1]))
            shown = key.group()[: len(start) + 4]
            yield Bypass(source.name, lines.of(key.start()), "provider_key", vendor, shown)


@cache
def _detector() -> Detector:
    """Return the detectors of the data path."""
    return Detector(Detect())


def _settings(source: SourceFile) -> str:
    """Return the text of a file of settings without its comments."""
    begin = _COMMENTS.get(PurePosixPath(source.name).suffix.lower(), "#")
    return _without(re.compile(rf"^[ \t]*(?:{begin}).*$|[ \t]#[^\n]*$", re.MULTILINE), source.text)


def _only(kept: Sequence[tuple[int, int]], text: str) -> str:
    """Return the text with blanks for all but these ranges, each line where it was."""
    pieces, at = [], 0
    for start, end in [*kept, (len(text), len(text))]:
        pieces += [re.sub(r"[^\n]", " ", text[at:start]), text[start:end]]
        at = end
    return "".join(pieces)


def _without(comments: re.Pattern[str], text: str) -> str:
    """Return the text with blanks for its comments, each line where it was."""

    def blank(found: re.Match[str]) -> str:
        if found[0][0] in "\"'`":
            return found[0]
        return re.sub(r"[^\n]", " ", found[0]) if _ALLOWED not in found[0] else found[0]

    return comments.sub(blank, text)


class _Lines:
    """The line of each place of a text."""

    def __init__(self, text: str) -> None:
        self._begins = [0, *(found.end() for found in re.finditer("\n", text))]

    def of(self, place: int) -> int:
        return bisect_right(self._begins, place)
