r"""Where a text is inert: a value that comes back there stays on the page, in every renderer.

Example, a piece at a time: `Ask ` leaves nothing open, so a value may come back.
`![x](https://evil.example/?q=` leaves a link's target open and a URL: none may, until white space follows the
bracket. `<img src='` leaves an attribute open, over any number of lines, until its quote and its tag end.

A place is inert when nothing is open in any reading of the text: by itself, or joined to the texts before it;
as it is written, or with the escapes of JSON undone (`\u003cimg src=`). A reading knows the mark-up that is
open (`MarkUp`) and the URL that the current word began (`urls`). A bare URL ends where renderers end it, at
ASCII white space or `<`.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import regex

from gateway.masking.mark_up import MarkUp
from gateway.masking.urls import IN_PATH, MAY_OPEN_URL, URL_OPENER

_BATCH = 2048  # characters that are read at a time
_TAIL = 1024  # characters of a word in which an opener may begin; none is longer
_STAND_IN = "_"  # a character of a placeholder that stays is read as this one
_BREAK = regex.compile(r"[ \t\n\f\r<]")
_LAST_BREAK = regex.compile(r"(?r)[ \t\n\f\r<]")
_LAST_JSON_BREAK = regex.compile(r'(?r)[ \t\n\f\r<"]')
_JSON = regex.compile(r"\s*[{\[][\s{\[]*+\"")
_QUOTED = regex.compile(r"(?r)(\\*)([\"'`])\Z")
_ESCAPE = regex.compile(r"\\++(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([nrtbf])|([^\w\s]))")
_HALF_ESCAPE = regex.compile(r"\\++(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?\Z")


class Opened(NamedTuple):
    """How many characters back something open began (-1: out of reach), and whether it is mark-up."""

    back: int
    is_mark_up: bool


class UrlTracker:
    """Where a run of texts that is read in pieces has come to. The cost is linear, the memory bounded."""

    def __init__(self, owner: str = "") -> None:
        """Begin with the owner's text."""
        self._owner = owner
        self._joined = [_Reading()]
        self._own: list[_Reading] = []
        self._texts: dict[str, list[_Reading]] = {}  # each by itself, once there are several
        self._unread = ""

    def read(self, text: str) -> None:
        """Go on over a piece of the text, as the client gets it. Pieces may be cut anywhere."""
        self._unread += text
        while len(self._unread) >= 2 * _BATCH:
            space = _BREAK.search(self._unread, _BATCH, 2 * _BATCH)
            end = space.end() if space else 2 * _BATCH
            self._advance(self._unread[:end])
            self._unread = self._unread[end:]

    def pass_placeholder(self, length: int) -> None:
        """Go on over a placeholder that stays one."""
        self.read(_STAND_IN * length)

    def begin_text(self, owner: str) -> None:
        """Read on in another text, or go on in an earlier one: some clients join the texts, others do not."""
        self._advance(self._unread)
        self._unread = ""
        if not self._texts:  # so far there was one text
            self._texts[self._owner] = copy.deepcopy(self._joined)
        self._owner = owner
        self._own = self._texts.setdefault(owner, [_Reading()])

    def opened(self) -> Opened | None:
        """Return what is open here, the outermost of all readings; None where the place is inert."""
        self._advance(self._unread)
        self._unread = ""
        found = [opened for reading in (*self._joined, *self._own) if (opened := reading.opened())]
        if not found:
            return None
        backs = [opened.back for opened in found]
        return Opened(-1 if -1 in backs else max(backs), any(opened.is_mark_up for opened in found))

    def _advance(self, text: str) -> None:
        for readings in (self._joined, self._own):
            if len(readings) == 1 and "\\" in text:
                readings.append(readings[0].with_escapes_undone())
            for reading in readings:
                reading.read(text)


class _Reading:
    """One way to read the text."""

    def __init__(self) -> None:
        self._undoes = False
        self._half = ""  # of an escape
        self._mark_up = MarkUp()
        self._at = 0
        self._word = ""
        self._url: int | None = None  # where the URL begins that goes on here
        self._quoted: dict[
            tuple[int, str], int
        ] = {}  # backslashes, quote: where the URL in such quotes begins
        self._is_json: bool | None = None

    def with_escapes_undone(self) -> _Reading:
        """Return a reading that has come as far, and goes on with the escapes of JSON undone."""
        other = copy.deepcopy(self)
        other._undoes = True
        return other

    def read(self, text: str) -> None:
        if self._undoes:
            text = self._half + text
            half = _HALF_ESCAPE.search(text)
            self._half = half.group() if half else ""
            text = _ESCAPE.sub(_undone, text[: half.start()] if half else text)
        if self._is_json is None and text.strip():
            self._is_json = _JSON.match(text) is not None
        ends = self._mark_up.read(text)
        for (slashes, quote), _ in [*self._quoted.items()]:
            if _closer(slashes, quote).search(text):
                del self._quoted[slashes, quote]
        self._find_urls(self._word + text, len(self._word), ends)
        self._at += len(text)

    def opened(self) -> Opened | None:
        mark_up = self._mark_up.opened()
        starts = [start for start in (mark_up, self._url, *self._quoted.values()) if start is not None]
        if path := IN_PATH.search(self._word):
            starts.append(self._at - len(self._word) + path.start())
        if not starts:
            return None
        return Opened(-1 if min(starts) < 0 else self._at - min(starts), mark_up is not None)

    def _find_urls(self, text: str, known: int, ends: list[int]) -> None:
        base = self._at - known
        broken = (_LAST_JSON_BREAK if self._is_json else _LAST_BREAK).search(text, known)
        last = max(broken.end() if broken else 0, known + ends[-1] if ends else 0)
        if last:
            self._url = None
        openers = URL_OPENER.finditer(text, overlapped=True) if MAY_OPEN_URL.search(text, known) else ()
        for match in openers:
            start, end = match.span()
            if end <= known:
                continue
            if start >= last:
                self._url = min(base + start, self._url if self._url is not None else base + start)
            quote = _QUOTED.search(text, 0, start)
            if quote and not _closer(len(quote[1]), quote[2]).search(text, end):
                self._quoted.setdefault((len(quote[1]), quote[2]), base + start)
        self._word = text[max(last, len(text) - _TAIL) :]


def _closer(slashes: int, quote: str) -> regex.Pattern[str]:
    """Return what ends a string whose quote has so many backslashes before it: one with as many, or fewer."""
    return regex.compile(rf"(?<!\\)\\{{0,{slashes}}}{quote}")


def _undone(match: regex.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        return chr(int(code, 16))
    return "\n" if match[3] else str(match[4])
