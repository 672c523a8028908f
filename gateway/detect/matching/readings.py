"""Other readings of a text: without escapes, as the eye reads it, and with values set apart from letters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from html.entities import html5

import regex

from gateway.words import Match

# An escape as JSON, string literals and Markdown have them, at any level (\\n inside a JSON text inside a
# JSON text), and the colors of a terminal. A run of backslashes is read once, so the cost is linear.
_ESCAPE = re.compile(
    r"(?P<color>(?:\x1b|(?<!\\)\\++(?:u001[bB]|u\{1[bB]\}|x1[bB]|033|e))\[[0-9;]{0,32}[A-Za-z])"
    r"|(?<!\\)\\++(?:u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\++u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|u(?P<four>[0-9A-Fa-f]{4})|x(?P<two>[0-9A-Fa-f]{2})|(?P<blank>[nrtbfv])"
    r"|u\{(?P<braced>[0-9A-Fa-f]{1,6})\}|U(?P<eight>[0-9A-Fa-f]{8})"
    r"|(?P<itself>[!-/:-@\[\]^-`{-~]))"
)
# What shows nothing: zero-width characters, marks of direction, soft hyphens, fillers, variation selectors,
# and marks put over ASCII.
_NOTHING = r"\p{Cf}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_LEVEL, _MORE = r"%(?:25){0,4}", r"%(?:25){0,4}[89ABab][0-9A-Fa-f]"
# One character as a URL (RFC 3986, UTF-8) or HTML writes it, at any level (%2540, &amp;#64;), or nothing.
_CODED = regex.compile(
    rf"{_LEVEL}(?P<url>[0-7][0-9A-Fa-f]|[CDcd][0-9A-Fa-f]{_MORE}"
    rf"|[Ee][0-9A-Fa-f](?:{_MORE}){{2}}|[Ff][0-7](?:{_MORE}){{3}})"
    rf"|{_LEVEL}u(?P<hex>[0-9A-Fa-f]{{4}})"
    r"|&(?:amp;){0,4}(?:\#(?:[xX]0{0,4}(?P<hex>[0-9A-Fa-f]{1,6})|0{0,4}(?P<decimal>[0-9]{1,7}));?"
    r"|(?P<name>[A-Za-z]{2,31};))"
    rf"|(?P<nothing>(?:[{_NOTHING}]|(?<=[ -~])\p{{Mn}})[{_NOTHING}\p{{Mn}}]*+)"
)
_URL_LEVELS = re.compile(r"%(?:25)*")
# A form's value, in which a plus is a space.
_NAME, _VALUE = r"[\w.%\-\[\]]{1,64}=", r"[^\s&#\"'<>]{0,512}"
_FORM_VALUE = re.compile(rf"(?<=[?&]){_NAME}{_VALUE}|(?<![\w.%\-\[\]]){_NAME}{_VALUE}(?=&{_NAME})")
# Letters of other scripts that look like ours (Unicode's confusables).
_ALIKE = {
    ord(theirs): ours
    for ours, all_theirs in {
        "a": "аαɑ", "c": "сϲ", "d": "ԁ", "e": "еє", "g": "ɡց", "h": "һհ", "i": "іıιɩ", "j": "јϳ", "k": "кκ",
        "l": "ӏ", "m": "м", "n": "ոռ", "o": "оοօ", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕ", "t": "т",
        "u": "սυ",
        "v": "ѵν", "w": "ԝѡ", "x": "хχ", "y": "уүγ", "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "G": "Ԍ",
        "H": "НΗ", "I": "ІΙӀ", "J": "Ј", "K": "КΚ", "M": "МΜ", "N": "Ν", "O": "ОΟՕ", "P": "РΡ", "S": "ЅՏ",
        "T": "ТΤ", "V": "Ѵ", "W": "Ԝ", "X": "ХΧ", "Y": "ҮΥ", "Z": "Ζ",
    }.items()
    for theirs in all_theirs
}  # fmt: skip
# A word of nothing but them. With a letter that looks like none of ours it is a word of its script: `номер`.
_FOREIGN = r"[^\W\d_\x00-\x7f]"
_ALIKE_WORD = re.compile(rf"(?<!{_FOREIGN})[{''.join(map(chr, _ALIKE))}]++(?!{_FOREIGN})")
_BESIDE = re.compile(r"[A-Za-z0-9@.+\-]")
_STYLES = ("<wide>", "<font>", "<circle>")
# No format has one, nearly every sentence of Chinese does: left as they are, it needs no second reading.
_PAUSES = "，！？"
_SEPARATOR = "|"  # separates without joining, unlike a space: digits on both sides are no one number
_MINUS = {"\u2212": "-", "\u30fc": "-"}  # signs that stand for a dash although they are not classed as one


def unescaped(text: str) -> Decoded | None:
    """Return the text without backslash escapes and terminal colors; None when it holds none."""
    if "\\" not in text and "\x1b" not in text:
        return None
    return _reading(text, ((*escape.span(), _meaning(escape)) for escape in _ESCAPE.finditer(text)))


def unveiled(text: str) -> Decoded | None:
    """Return the text as URLs, HTML and the eye have it; None when that is the same.

    Without percent and HTML escapes and what shows nothing; letters that look like ours are ours.
    """
    if text.isascii() and "%" not in text and "&" not in text:
        return None
    plain = _FORM_VALUE.sub(lambda match: match.group().replace("+", " "), text) if "+" in text else text
    coded = ((*match.span(), char) for match in _CODED.finditer(plain) if (char := _coded(match)) is not None)
    return _reading(text, coded, plain, _recognized)


class Decoded:
    """A text with its escapes decoded, which knows where each of its characters came from."""

    def __init__(self, text: str, escapes: Iterable[tuple[int, int, str]]) -> None:
        """Take the escapes, disjoint and in order: start, end, and the character or none that each means."""
        pieces: list[str] = []
        self._starts, self._sources = [0], [0]
        self._escapes, self._within = [(-1, -1)], [(-1, -1)]  # by segment; by place in the text
        at = length = 0
        for start, end, char in escapes:
            pieces += text[at:start], char
            length += start - at
            self._starts += length, length + len(char)
            self._sources += start, end
            self._escapes += (start, end), (-1, -1)
            self._within.append((start, end))
            at, length = end, length + len(char)
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def source(self, offset: int) -> int:
        """Return where the character at this offset begins in the text as it was written."""
        found = bisect_right(self._starts, offset) - 1
        return self._sources[found] + offset - self._starts[found]

    def source_end(self, offset: int) -> int:
        """Return where the character before this offset ends in the text as it was written."""
        found = max(0, bisect_left(self._starts, offset) - 1)
        end = self._escapes[found][1]
        return end if end >= 0 else self._sources[found] + offset - self._starts[found]

    def united(self, written: Iterable[Match], found: Iterable[Match]) -> list[Match]:
        """Return the matches of both readings, as offsets in the text as it was written.

        What was taken to begin with an escape's letter (`\\njane@…` as `njane@…`), or to end with its
        backslash, gives that up where something was found beside the escape: half an escape would break the
        JSON that it stands in.
        """
        placed = [
            replace(span, start=self.source(span.start), end=self.source_end(span.end)) for span in found
        ]
        starts, ends = {span.start for span in placed}, {span.end for span in placed}
        return placed + [kept for span in written if (kept := self._trimmed(span, starts, ends))]

    def _trimmed(self, span: Match, starts: set[int], ends: set[int]) -> Match | None:
        start, end = self._around(span.start)[1], self._around(span.end)[0]
        start = start if start in starts else span.start
        end = end if end in ends else span.end
        return replace(span, start=start, end=end) if start < end else None

    def _around(self, offset: int) -> tuple[int, int]:
        """Start and end of the escape that the offset lies within, or -1 twice."""
        start, end = self._within[bisect_right(self._within, (offset, -1)) - 1]
        return (start, end) if start < offset < end else (-1, -1)


class Folding:
    """Folds a text to ASCII character for character, so that offsets stay what they are.

    Digits, dashes and spaces of every script become ours; the letters of other scripts and the underscore,
    which a pattern would take into the value's word, become a separator.
    """

    def __init__(self) -> None:
        self._table = _Table()

    def folded(self, text: str) -> str:
        """Return the folded text."""
        return text.replace("_", _SEPARATOR) if text.isascii() else text.translate(self._table)


class _Table(dict[int, str]):
    """Filled as characters turn up: at most as many entries as Unicode has characters."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


def _folded(char: str) -> str:
    if char.isascii() or char in _MINUS:
        return _SEPARATOR if char == "_" else _MINUS.get(char, char)
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    if category[0] in "LM" or category == "Pc":
        return _SEPARATOR
    return chr(ord(char) - 0xFEE0) if "！" <= char <= "～" else char


def _reading(
    text: str,
    escapes: Iterable[tuple[int, int, str]],
    plain: str = "",
    recognized: Callable[[str], str] = str,
) -> Decoded | None:
    """Build a reading; `plain` and `recognized` change characters, never their number."""
    reading = Decoded(plain or text, escapes)
    reading.text = recognized(reading.text)
    return reading if reading.text != text else None


def _meaning(escape: re.Match[str]) -> str:
    if escape["high"]:  # JSON writes a character beyond U+FFFF as two
        high, low = int(escape["high"], 16) - 0xD800, int(escape["low"], 16) - 0xDC00
        return chr(0x10000 + (high << 10) + low)
    code = escape["four"] or escape["two"] or escape["braced"] or escape["eight"]
    if code:
        return _char(int(code, 16))
    return escape["itself"] or "\n"


def _coded(match: regex.Match[str]) -> str | None:
    """Return the character that an escape means, "" for an invisible one, None when it is no escape."""
    if match["nothing"]:
        return ""
    if match["url"]:
        data = bytes.fromhex(_URL_LEVELS.sub("", match["url"]))
        return _shown(data.decode("utf-8", "replace")[:1])
    if match["name"]:
        char = html5.get(match["name"], "")
        return _shown(char) if len(char) == 1 else None
    return _shown(_char(int(match["hex"], 16) if match["hex"] else int(match["decimal"])))


def _char(code: int) -> str:
    return " " if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)


def _shown(char: str) -> str:
    return "" if _CODED.fullmatch(char) else char


def _recognized(text: str) -> str:
    """Make styled letters plain, and look-alikes too where only they stand beside ASCII."""
    return text if text.isascii() else _ALIKE_WORD.sub(_alike, text.translate(_STYLED))


def _alike(letters: re.Match[str]) -> str:
    found, text = letters.group(), letters.string
    beside = _BESIDE.match(text, letters.end()) or (
        letters.start() and _BESIDE.match(text, letters.start() - 1)
    )
    return found.translate(_ALIKE) if beside else found


class _Styled(dict[int, str]):
    """Full-width, mathematical and circled letters and digits as plain ones; filled as they turn up."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if unicodedata.decomposition(char).startswith(_STYLES) and char not in _PAUSES:
            plain = unicodedata.normalize("NFKC", char)
            char = plain if len(plain) == 1 and plain.isascii() else char
        self[code] = char
        return char


_STYLED = _Styled()
