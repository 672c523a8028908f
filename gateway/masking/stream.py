"""Finding entities in a text that arrives in chunks: words flow, what may become a finding is held back.

Every step is taken at a place that the text alone decides (the end of a word, the hold's limit), never at the
end of a chunk, so that every chunking of one text gives the same pieces of masked text.

Example, for the chunks `Hi, write to jane@ac`, `me.org and ` and `be happy`:

    1. `Hi, `, `write `, `to ` end words and can become nothing else: they go out, each as a piece
    2. `jane@ac` is held: no word ends there
    3. at the space after `jane@acme.org` the address is complete: a piece with a finding, then ` ` and `and `
    4. `be happy` is held until the text is closed
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.masking.credential import credentials, over_others
from gateway.words import Match, merged

_CONTEXT = 320  # characters already out that are looked at again
_STRETCH = 32  # characters: what is decided before a longer undecided text goes out by as many
# A character of a script that writes no white space (Thai, CJK), or of its punctuation, white space left out.
_UNSPACED = r"\u0e00-\u0e4f\u3001-\u3029\u3031-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
# The end of a word: white space, or a character of a script that writes none.
_BREAK = re.compile(rf"[\s{_UNSPACED}]")
# Where text is considered: the end of a word (an indentation goes with the next one); of those scripts a few
# characters at a time.
_STEP = re.compile(rf"(?<=\S)\s|[{_UNSPACED}]{{4}}|[{_UNSPACED}](?=[^{_UNSPACED}])")
_STEP_LENGTH = 4  # characters; a place of decision that has not come yet begins in the last of the text
# Where an unbroken text may be cut when it gets too long: minified code, JSON.
_CUT = re.compile(r"[\s,;(){}\[\]\"'<>|]")
_KEY_END = re.compile(r"-----END[ A-Z0-9]{0,40}-----")
_KEY_END_LENGTH = 64
_LONG_TOKEN = Match("LONG_TOKEN", "secret", 0.5, 0, 0)


class TextDetector(Protocol):
    """What the scanner asks of `detect.Detector`, which stands on the same floor."""

    def inspect(self, text: str, *, since: int, until: int | None = None) -> tuple[Match, ...]:
        """Return the disjoint entities that reach beyond `since`, in order; all that begin before `until`."""

    def open_at(self, text: str) -> int:
        """Return the offset from which more text might still change what is found."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text; `finding` says what all of it is (offsets within the piece); None is plain."""

    text: str
    finding: Match | None = None


class StreamScanner:
    """One text in chunks. At most `hold` characters are held; a longer unbroken token is a finding.

    Every method raises InspectionFailed as the inspector does; the scanner is then of no further use.
    """

    def __init__(self, inspector: TextDetector, *, secret: str | None = None, hold: int = 8192) -> None:
        """Make one that finds what the inspector does, and the `secret` that the provider was called with."""
        self._inspector = inspector
        self._secret = secret
        self._hold = hold
        self._context = ""
        self._pending = ""
        self._seen = 0  # pending text up to here has been considered
        self._swallowing: Match | None = None  # the finding that goes on beyond the hold's limit
        self._gone = 0  # where in all that came the pending text begins
        self._borders: tuple[int, ...] = ()  # where in all that came another text begins

    @property
    def held(self) -> int:
        """Return how many characters are held."""
        return len(self._pending)

    def joined(self) -> StreamScanner:
        """Return a scanner of what is held here and of another text, which a client may join to it."""
        other = copy.copy(self)
        other._borders = (*self._borders, self._gone + len(self._pending))
        return other

    def feed(self, chunk: str) -> list[Piece]:
        """Return the pieces that can go out now: all texts so far, less what is held."""
        self._pending += chunk
        pieces: list[Piece] = []
        while True:
            found = self._swallow() if self._swallowing else self._step()
            if found is None:
                return pieces
            pieces += found

    def close(self) -> list[Piece]:
        """Return the rest, as a text that ends here."""
        text, start = self._context + self._pending, len(self._context)
        if self._swallowing:
            pieces = [piece_of(self._pending, self._swallowing)] if self._pending else []
        else:
            pieces = list(self._pieces(text, start, len(text), self._inspect(text, since=start)))
        self._gone += len(self._pending)
        self._pending, self._seen = "", 0
        return pieces

    def _step(self) -> list[Piece] | None:
        """Consider the text up to the next place of decision; None when it has not come yet."""
        mark = _STEP.search(self._pending, self._seen, self._hold)
        if mark:
            self._seen = mark.end()
            return self._flow(self._seen) if self._seen < self._hold else self._force()
        if len(self._pending) >= self._hold:
            return self._force()
        self._seen = max(self._seen, len(self._pending) - _STEP_LENGTH)
        return None

    def _flow(self, stop: int) -> list[Piece]:
        """Let out what is decided of the first `stop` characters, which end with a word."""
        text, start = self._context + self._pending[:stop], len(self._context)
        cut = _word_start(text, self._open_at(text))
        # a long row of numbers is undecided over its last stretch only: it goes out some words at a time
        if cut <= start or cut - start < _STRETCH < len(text) - cut:
            return []
        spans = self._inspect(text, since=start, until=cut)
        return self._release(text, start, _before_straddling(spans, cut), spans)

    def _force(self) -> list[Piece]:
        """Make room when the hold is full: cut beside the findings if possible, else mask the undecided."""
        text, start = self._context + self._pending[: self._hold], len(self._context)
        spans = self._inspect(text, since=start)
        if spans and spans[-1].end == len(text):
            cut, going_on = spans[-1].start, spans[-1]
        else:
            going_on, at = _LONG_TOKEN, self._open_at(text)
            cuts = (mark.end() for mark in _CUT.finditer(text, start))
            cut = _before_straddling(spans, max((cut for cut in cuts if cut <= at), default=start))
        if cut > start:
            return self._release(text, start, cut, spans)
        self._swallowing = going_on
        return self._take(self._hold, going_on)

    def _swallow(self) -> list[Piece] | None:
        """Mask on to the end of the key or token."""
        assert self._swallowing is not None
        is_key = self._swallowing.entity == "PRIVATE_KEY"
        end = (_KEY_END if is_key else _BREAK).search(self._pending, self._seen, self._hold)
        if end:
            finding, self._swallowing = self._swallowing, None
            return self._take(end.end() if is_key else end.start(), finding)
        if len(self._pending) >= self._hold:
            return self._take(self._hold - _KEY_END_LENGTH, self._swallowing)
        self._seen = max(0, len(self._pending) - _KEY_END_LENGTH)
        return None

    def _take(self, length: int, finding: Match) -> list[Piece]:
        taken, self._pending, self._seen = self._pending[:length], self._pending[length:], 0
        self._gone += len(taken)
        self._context = (self._context + taken)[-_CONTEXT:]
        return [piece_of(taken, finding)] if taken else []

    def _release(self, text: str, start: int, cut: int, spans: Sequence[Match]) -> list[Piece]:
        if cut <= start:
            return []
        pieces = list(self._pieces(text, start, cut, spans))
        self._pending = self._pending[cut - start :]
        self._gone += cut - start
        self._seen = max(0, self._seen - (cut - start))
        self._context = _whole_words(text[:cut][-_CONTEXT:])
        return pieces

    def _inspect(self, text: str, *, since: int, until: int | None = None) -> tuple[Match, ...]:
        """Return what is found in the text as it stands, and with a space where another text begins."""
        spans = self._find(text, since, until)
        apart = self._spaces(text)
        if not apart:
            return spans
        end = None if until is None else _spaced(until, apart)
        found = self._find(_with_spaces(text, apart), _spaced(since, apart), end)
        back = [s.at(_unspaced(s.start, apart), _unspaced(s.end, apart)) for s in found]
        return tuple(merged([*spans, *back]))

    def _find(self, text: str, since: int, until: int | None) -> tuple[Match, ...]:
        spans = self._inspector.inspect(text, since=since, until=until)
        own = [span for span in credentials(text, self._secret) if span.end > since] if self._secret else []
        return over_others(own, spans) if own else spans

    def _open_at(self, text: str) -> int:
        at, apart = self._inspector.open_at(text), self._spaces(text)
        if not apart:
            return at
        return min(at, _unspaced(self._inspector.open_at(_with_spaces(text, apart)), apart))

    def _spaces(self, text: str) -> list[int]:
        """Return the offsets where another text begins without white space."""
        first = self._gone - len(self._context)
        borders = [border - first for border in self._borders if 0 < border - first < len(text)]
        return [at for at in borders if not (text[at - 1].isspace() or text[at].isspace())]

    def _pieces(self, text: str, start: int, end: int, spans: Sequence[Match]) -> Iterator[Piece]:
        at = start
        for span in spans:
            if span.start >= end:
                continue
            first = max(span.start, start)
            if first > at:
                yield Piece(text[at:first])
            yield piece_of(text[first : span.end], span)
            at = span.end
        if end > at:
            yield Piece(text[at:end])


def split(piece: Piece, at: int) -> tuple[Piece, Piece]:
    """Cut a piece in two; what all of it is, both are."""
    texts = piece.text[:at], piece.text[at:]
    first, second = (piece_of(text, piece.finding) if piece.finding else Piece(text) for text in texts)
    return first, second


def piece_of(text: str, finding: Match) -> Piece:
    """Return the text as a piece of a finding."""
    return Piece(text, finding.at(0, len(text)))


def _with_spaces(text: str, places: Sequence[int]) -> str:
    starts, ends = (0, *places), (*places, len(text))
    return " ".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _spaced(at: int, places: Sequence[int]) -> int:
    """Return the offset that a place of the text has once spaces stand at `places`."""
    return at + bisect_left(places, at)


def _unspaced(at: int, places: Sequence[int]) -> int:
    return at - bisect_left([place + number for number, place in enumerate(places)], at)


def _before_straddling(spans: Sequence[Match], cut: int) -> int:
    """Return the nearest offset at or before `cut` that no finding crosses."""
    return next((span.start for span in spans if span.start < cut < span.end), cut)


def _word_start(text: str, at: int) -> int:
    """Return the start of the word at `at`: half a word never goes out."""
    while at > 0 and not _BREAK.match(text, at - 1):
        at -= 1
    return at


def _whole_words(context: str) -> str:
    """Drop the half of a word that the context begins with: it would be read as another word."""
    if len(context) < _CONTEXT:
        return context
    mark = _BREAK.search(context)
    return context[mark.end() :] if mark else context
