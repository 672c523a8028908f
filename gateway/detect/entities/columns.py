"""Secrets in the columns of tables, by the name at their head (CSV, Markdown, HTML, SQL), and in cookies.

Example, for the text `user,password\njane,Tr0ub4dor&3\n`:

    1. a head    `user,password`: cells with names only, the second names a secret
    2. rows      each line below with as many cells, up to one that has not
    3. values    `Tr0ub4dor&3`, where the row's second cell is a password
"""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from gateway.detect.entities.labels import NAME, OTHER_WORDS, SESSION, TOKEN, WORDS
from gateway.detect.entities.values import is_password, is_token
from gateway.detect.matching.patterns import Deadline, late
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Match

_SCORE = 0.75
_LONGEST = 4096  # characters of one line, one row or one statement
_DELIMITERS = ",;\t|"
_EDGE = r"[\s\"'`*]{0,8}"
_LABELS = rf"(?:{NAME}|{WORDS})"
_HEAD = late(rf"(?i)(?:{_LABELS}|{TOKEN}|\bpass){_EDGE}(?:[,;\t|]|\r?\n)")
_CELL = re.compile(r"[\s\"'`*]*(.*?)[\s\"'`*]*", re.DOTALL)
_NAMES_PASSWORD = late(rf"(?i)[\w.\- ]{{0,32}}?(?:{_LABELS}|{OTHER_WORDS})")
# `pass` is a mountain's as well, and a test's.
_NAMES_ACCOUNT = re.compile(
    r"(?:user|login|account|e?-?mail|host|server)(?:[ _-]?(?:name|id))?", re.IGNORECASE
)
_NAMES_TOKEN = late(rf"(?i)[\w.\- ]{{0,32}}?{TOKEN}")
_NAME = re.compile(r"[^\W\d][\w.\-# /()]{0,47}|#|id", re.IGNORECASE)
_RULE = re.compile(r"[-+:| =]*")
_HTML_HEAD = late(
    rf"(?i)(?<=<t[hd](?:\s[^<>]{{0,128}})?>\s{{0,16}}(?:<\w{{1,8}}>)?[\w.\- ]{{0,32}})(?:{_LABELS}|{TOKEN})\s{{0,16}}</"
)
_HTML_CELL = re.compile(
    r"<t[hd](?:\s[^<>]{0,128})?>([^<>]{0,512}|\s{0,16}<\w{1,8}>[^<>]{0,512}</\w{1,8}>\s{0,16})</t[hd]>",
    re.IGNORECASE,
)
_HTML_TEXT = re.compile(r"\s*(?:<\w{1,8}>)?\s*(.*?)\s*(?:</\w{1,8}>)?\s*", re.DOTALL)
_STATEMENT = late(
    r"(?i)\b(?:insert\s{1,4}(?:ignore\s{1,4})?into|replace\s{1,4}into|copy)\s{1,4}[\w.`\"\[\]]{1,128}\s{0,4}\(([^()]{1,2000})\)\s{1,8}(?:values|from\s{1,4}stdin)\b"
)
_SQL_VALUE = re.compile(r"\s*(?:(?:N|E|_\w+)?'((?:[^'\\]|''|\\.)*)'|[^,()']+)\s*")
_COOKIES = late(
    r"(?i)(?:\bcookie[\"'\\]{0,3}[\s,]{0,8}(?:[\"'\\]{0,3}value[\"'\\]{0,3}\s{0,4})?[:=,]\s{0,4}[\"'\\]{0,3}|\bcurl[^\n|;]{0,200}? (?:-b|--cookie)[ =]{1,4}[\"']?)([^\n\"'<>]{16,4096}+)"
)
_COOKIE = late(rf"(?i)(?<![\w.\-]){SESSION}=([^\s;,\"'<>]{{16,4096}}+)")

PATTERNS = (_HEAD, _HTML_HEAD, _STATEMENT, _COOKIES)
_Check = Callable[[str], bool]


def find_in_columns(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    """Yield every secret that stands under its name in a table. Raises InspectionFailed."""
    yield from _lines(candidates, deadline)
    yield from _html(candidates, deadline)
    yield from _statements(candidates, deadline)


def find_cookies(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    """Yield the value of every cookie that is one of a session. Raises InspectionFailed."""
    text = candidates.text
    for header in candidates.matches(_COOKIES, deadline):
        # a field that holds one cookie is masked as a whole
        alone = text[header.start(1) - 1] in "\"'" and _COOKIE.fullmatch(text, *header.span(1))
        for cookie in _COOKIE.finditer(text, *header.span(1)):
            if is_token(cookie.group(1)):
                yield Match("API_KEY", "secret", _SCORE, *cookie.span(0 if alone else 1))


def _lines(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    text, at = candidates.text, 0
    for head in candidates.matches(_HEAD, deadline):
        if head.start() < at:
            continue
        first = max(at, head.start() - _LONGEST)
        start = max(first, text.rfind("\n", first, head.start()) + 1)
        at = _line_end(text, head.start())
        line = text[start:at]
        for delimiter in filter(line.__contains__, _DELIMITERS):
            if wanted := _wanted(_cells(text, start, at, delimiter), text):
                for cells in _rows(text, at, delimiter, wanted[0]):
                    deadline.left()
                    at = cells[-1][1]
                    yield from _found(text, cells, wanted[1])
                break


def _rows(text: str, at: int, delimiter: str, count: int) -> Iterator[Sequence[tuple[int, int]]]:
    """Yield the cells of the lines below, as long as they are so many; a rule between them is left out."""
    while at < len(text) and text[at] == "\n":
        start, at = at + 1, _line_end(text, at + 1)
        if start < at and _RULE.fullmatch(text, start, at):
            continue
        cells = _cells(text, start, at, delimiter)
        if len(cells) != count:
            return
        yield cells


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start, start + _LONGEST)
    return end if end >= 0 else min(len(text), start + _LONGEST)


def _cells(text: str, start: int, end: int, delimiter: str) -> list[tuple[int, int]]:
    """Return the cells of a line; a delimiter within double quotes parts none."""
    if delimiter == "|":  # Markdown has one at both ends
        while start < end and text[start] in "| \t":
            start += 1
        while end > start and text[end - 1] in "| \t\r":
            end -= 1
    cells, at, quoted = [], start, False
    for place in range(start, end):
        if text[place] == '"':
            quoted = not quoted
        elif text[place] == delimiter and not quoted:
            cells.append((at, place))
            at = place + 1
    return [*cells, (at, end)]


def _wanted(cells: Sequence[tuple[int, int]], text: str) -> tuple[int, dict[int, _Check]] | None:
    """Return how many cells a row has and which hold secrets; None when this is no head of a table."""
    names = [_inner(text, *cell)[0] for cell in cells]
    if len(names) < 2 or not all(map(_NAME.fullmatch, names)):
        return None
    checks = _checks(names)
    return (len(names), checks) if checks else None


def _checks(names: Sequence[str]) -> dict[int, _Check]:
    """Return what the cells of each column that is named for a secret have to be."""
    found: dict[int, _Check] = {
        number: is_token for number, name in enumerate(names) if _NAMES_TOKEN.fullmatch(name)
    }
    with_account = any(map(_NAMES_ACCOUNT.fullmatch, names))
    return found | {
        number: is_password
        for number, name in enumerate(names)
        if _NAMES_PASSWORD.fullmatch(name) or (with_account and name.lower() == "pass")
    }


def _found(text: str, cells: Sequence[tuple[int, int]], checks: dict[int, _Check]) -> Iterator[Match]:
    for number, check in checks.items():
        if number < len(cells):
            value, start, end = _inner(text, *cells[number])
            if 6 <= len(value) <= 4096 and " " not in value and check(value):
                yield Match("PASSWORD" if check is is_password else "API_KEY", "secret", _SCORE, start, end)


def _inner(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Return a cell without the quotes and blanks around it, and where it stands."""
    cell = _CELL.fullmatch(text, start, end)
    assert cell is not None
    return (cell.group(1), *cell.span(1))


def _html(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    text, at = candidates.text, 0
    for head in candidates.matches(_HTML_HEAD, deadline):
        if head.start() < at:
            continue
        opened = max(
            text.rfind(tag, max(at, head.start() - _LONGEST), head.start()) for tag in ("<tr", "<TR")
        )
        at = _row_end(text, head.start())
        names = [
            text[slice(*_html_inner(text, cell))] for cell in _HTML_CELL.finditer(text, max(0, opened), at)
        ]
        checks, rows = _checks(names), 0
        while checks and (following := _HTML_CELL.search(text, at, min(len(text), at + _LONGEST))):
            deadline.left()
            begun, at, rows = following.start(), _row_end(text, following.start()), rows + 1
            yield from _found(
                text, [_html_inner(text, cell) for cell in _HTML_CELL.finditer(text, begun, at)], checks
            )


def _row_end(text: str, start: int) -> int:
    limit = min(len(text), start + _LONGEST)
    ends = [end for end in (text.find("</tr", start, limit), text.find("</TR", start, limit)) if end >= 0]
    return min(ends, default=limit)


def _html_inner(text: str, cell: re.Match[str]) -> tuple[int, int]:
    inner = _HTML_TEXT.fullmatch(text, *cell.span(1))
    assert inner is not None
    return inner.span(1)


def _statements(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    text = candidates.text
    for statement in candidates.matches(_STATEMENT, deadline):
        names = [name.strip(" \t\r\n`\"'[]") for name in statement.group(1).split(",")]
        checks, at = _checks(names), statement.end()
        if not checks:
            continue
        if statement.group().endswith(("in", "IN")):  # copy … from stdin: rows with tabs follow
            for cells in _rows(text, _line_end(text, at), "\t", len(names)):
                deadline.left()
                yield from _found(text, cells, checks)
            continue
        while (opened := text.find("(", at, at + 16)) >= 0:
            deadline.left()
            values, at = _sql_row(text, opened + 1)
            yield from _found(text, values, checks)


def _sql_row(text: str, at: int) -> tuple[list[tuple[int, int]], int]:
    """Return where the values of a row in brackets stand, and where it ends."""
    values: list[tuple[int, int]] = []
    limit = min(len(text), at + _LONGEST)
    while value := _SQL_VALUE.match(text, at, limit):
        values.append(value.span(1) if value.group(1) is not None else value.span())
        at = value.end() + 1
        if value.end() >= limit or text[value.end()] != ",":
            break
    return values, at
