"""What a value is called: by the words before it, by the JSON key of its text, by the head of its column.

Example, for phone numbers: in `tel. 030 901820, Order 2026110077` the first number is told by `tel`, the second
one is told to be something else by `order`; in `name,phone⏎Noah,4155522672` the number is told by its column.
"""

# ruff: noqa: E501 - lists of words read best in long lines

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum
from itertools import repeat

import regex

_CHARACTERS = 256  # before a value: less than a stream looks back
_LONGEST_LINE = 4096  # characters of a line that may have columns
_MOST_BETWEEN = 2  # words of no meaning here between a value and the word that tells what it is
_LEAST_NUMBER = 3  # digits of a number, or two shorter ones, that may be another value of the same name
_DELIMITERS = ",\t;|"
# Words, numbers, and the ends of sentences, from the value backwards.
_TOKEN = regex.compile(r"(?r)[^\W\d_]+|\d+|[.!?;](?=\s)|\n[ \t\r]*\n")
_LETTERS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Words that stand between a name and its value and say nothing of their own.
_NEUTRAL = frozenset(
    """
    a an the is are was be of to in on at for and or with my your his her its our their this that by as me us him
    no nr num number numbers numero número numéro numer nummer nummern home work office private privat main new old
    primary secondary alternate other direct business please also now text value string str int
    und oder ist sind unter auf mein meine meiner der die das von bei mijn is en of het y o es mi el la su et ou
    est mon ma le sur au e o é meu minha um il mio lo è sono ext är er jest to mitt min mój numret numeret
    je jsou moje můj má este sunt meu mea az van on minun saya adalah là của tôi benim
    """.split()  # noqa: SIM905 - read more easily than a list
)


# A sentence names no columns, nor does a line with a long number, or with one that is no year.
_NO_HEAD = re.compile(r"\d[\d .()/\-]{4}[\d .()/\-]*|[^,\t;|]{64}")
_NO_NAME = re.compile(r"(?!\W*(?:19|20)\d\d\W*\Z)(?=.*\d{4})[\W\d_]+")
_NEVER = r"(?!)"
# The columns of a statement in SQL, and where its rows begin.
_STATEMENT = regex.compile(
    r"(?i)\b(?:(?:insert|replace)\s{1,4}(?:ignore\s{1,4})?into|copy)\s{1,4}[\w.`\"\[\]]{1,128}\s{0,4}\(([^()]{1,2000})\)\s{1,8}"
    r"(?:values|(from)\s{1,4}stdin\b[^\n]{0,128})"
)
# A row and what another one follows behind: a comma, or a line of tabs.
_ROW = regex.compile(r"\s*+\((?:[^()']|\([^()']*+\)|'(?:[^'\\]|''|\\.)*+'){0,4096}+\)\s*+(,)?")
_COPIED = regex.compile(r"\n?((?!\\\.)[^\n\t]++(?:\t[^\n]*+)?)(?=\n|\Z)")
_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'?")


class Told(IntEnum):
    """What the words around a value say of it, from no to yes."""

    OTHER = 0  # it is something else
    NOTHING = 1
    NEAR = 2  # a word that tells it is near
    NAMED = 3  # a word that tells it stands right before it, or is its key or its column


class Vocabulary:
    """Words that name a kind of value, those that only hint at it, and those that name other kinds.

    Each is a pattern for whole words in lower case, without groups that capture. Of `pairs` only both words
    together tell a value: `tax file`, `my number`.
    """

    def __init__(
        self, own: str, hints: str = _NEVER, others: str = _NEVER, pairs: Collection[tuple[str, str]] = ()
    ) -> None:
        self._words = re.compile(f"(?P<OWN>{own})|(?P<HINT>{hints})|(?P<OTHER>{others})")
        self.pairs = frozenset(pairs)
        self._neutral = frozenset(word for word in _NEUTRAL if not self._words.fullmatch(word))

    def kind(self, word: str) -> str:
        """Return OWN, HINT, OTHER or NEUTRAL; nothing for a word of no meaning here."""
        if word in self._neutral:
            return "NEUTRAL"
        found = self._words.fullmatch(word)
        return (found.lastgroup or "") if found else ""


class Labels:
    """The names of the values in one text. The cost of each is bounded, however long the text is."""

    def __init__(self, text: str, key: str = "") -> None:
        self._text = text
        self._key = _words(key)
        self._columns: _Columns | None = None

    def told(self, start: int, vocabulary: Vocabulary) -> Told:
        """Return what the head of its column says; where that is nothing, the words before it, then the key."""
        self._columns = self._columns or _Columns(self._text)
        head, begin = self._columns.head(start)
        told = _told(head, vocabulary)
        if told is Told.NOTHING:
            told = _told(self._before(begin if head else 0, start), vocabulary)
        return _told(self._key, vocabulary) if told is Told.NOTHING and self._key else told

    def _before(self, begin: int, start: int) -> Iterator[str]:
        """Yield the words and numbers of the sentence before `start`, the nearest first."""
        is_first = True
        for token in _TOKEN.finditer(self._text, max(begin, start - _CHARACTERS), start):
            word = token.group()
            if word[0].isalnum():
                is_one = word.islower() or word.isdigit() or len(word) == 1
                yield from (word,) if is_one else reversed(_CAMEL.sub(" ", word).lower().split())
            elif not (is_first and word == "."):  # `tel. 030 …`
                return
            is_first = False


def _words(name: str) -> list[str]:
    """Return the words of a name in small letters, the last first."""
    return [word.lower() for word in reversed(_LETTERS.findall(_CAMEL.sub(" ", name)))]


def _told(words: Iterable[str], vocabulary: Vocabulary) -> Told:
    between, numbers, behind = 0, 0, ""
    for word in words:
        if (word, behind) in vocabulary.pairs:
            return Told.NEAR
        behind = word
        if word[0].isdigit():
            numbers += 2 if len(word) >= _LEAST_NUMBER else 1
            if numbers > 1 and between:
                return Told.NOTHING
            continue
        kind = vocabulary.kind(word)
        if kind == "OWN":
            return Told.NEAR if between else Told.NAMED
        if kind == "HINT":
            return Told.NEAR
        if kind == "OTHER":
            return Told.NOTHING if numbers > 1 else Told.OTHER  # `order 2026-11-24 415-555-2671`
        if not kind:
            between += 1
            if between > _MOST_BETWEEN or numbers > 1:
                return Told.NOTHING
    return Told.NOTHING


class _Columns:
    """The heads of the columns of a text that is a table, delimited by commas, tabs, semicolons or bars."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._names: tuple[int, str, list[str]] = (-1, "", [])  # of the block last looked at
        self._statements = list(_STATEMENT.finditer(text))
        self._ends = [statement.end() for statement in self._statements]
        # where each is over: looked for once, for a statement may have a million rows
        bounds = [*(statement.start() for statement in self._statements[1:]), len(text)]
        self._stops = list(map(_rows_end, repeat(text), self._statements, bounds))
        self._lines, self._heads = [0], [0]  # where each line begins, and the first one of its block
        while (end := text.find("\n", self._lines[-1])) >= 0:
            is_blank = not text[self._lines[-1] : end].strip()
            self._heads.append(end + 1 if is_blank else self._heads[-1])
            self._lines.append(end + 1)

    def head(self, start: int) -> tuple[list[str], int]:
        """Return the words of the head of the column that `start` is in, the last first, and where the row begins.

        In no table there are no words.
        """
        if name := self._in_a_statement(start):
            return _words(name), start
        line = bisect_right(self._lines, start) - 1
        first, begin = self._heads[line], self._lines[line]
        if first == begin or start - begin > _LONGEST_LINE:
            return [], begin
        delimiter, names = self._columns(first)
        before = self._text[begin:start]
        column = len(_cells(before, delimiter)) - 1 if '"' in before else before.count(delimiter)
        name = names[column] if names and 0 <= column < len(names) else ""
        return _words(name), begin

    def _in_a_statement(self, start: int) -> str:
        """Return the name of the column that a value of an INSERT or a COPY stands in, or nothing."""
        found = bisect_right(self._ends, start) - 1
        if found < 0:
            return ""
        statement = self._statements[found]
        opened, sign = ("\n", "\t") if statement.group(2) else ("(", ",")
        begin = self._text.rfind(opened, max(statement.end(), start - _LONGEST_LINE), start)
        if begin < 0 or start > self._stops[found]:
            return ""
        names = statement.group(1).split(",")
        column = _QUOTED.sub("", self._text[begin:start]).count(sign)
        return names[column] if column < len(names) else ""

    def _columns(self, first: int) -> tuple[str, list[str]]:
        """Return the delimiter of the block that begins at `first` and the names in its first line."""
        if self._names[0] != first:
            end = self._text.find("\n", first)
            head = self._text[first : min(end, first + _LONGEST_LINE)]
            delimiter = max(_DELIMITERS, key=head.count)
            names = _cells(head, delimiter) if delimiter in head and not _NO_HEAD.search(head) else []
            names = [] if any(map(_NO_NAME.fullmatch, names)) or _STATEMENT.search(head) else names
            self._names = (first, delimiter, names)
        return self._names[1:]


def _rows_end(text: str, statement: regex.Match[str], bound: int) -> int:
    """Return where the rows of an INSERT or a COPY are over, at most `bound`.

    What stands behind them is no value of theirs. A row that the text ends in goes on, as far as is known.
    """
    row = _COPIED if statement.group(2) else _ROW
    end: int = statement.end()
    while end < bound and (found := row.match(text, end, end + _LONGEST_LINE, partial=True)):
        if found.partial:
            return len(text) if end + _LONGEST_LINE > len(text) else end
        end = found.end()
        if not found.group(1):
            break
    return end


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line; a quote that is open at its end is closed."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
