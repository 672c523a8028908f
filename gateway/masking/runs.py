"""Texts in pieces, with their values: one text by itself, or several in a row that a client may join."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import regex

from gateway.masking.json_strings import JsonStrings, escaped, unescaped
from gateway.masking.placeholders import PLACEHOLDER, may_hold, open_at
from gateway.masking.places import UrlTracker
from gateway.masking.urls import LOOK_AHEAD
from gateway.masking.vault import VaultEntry

if TYPE_CHECKING:  # which makes them
    from gateway.masking.restore import Restorer

_SPACE = regex.compile(r"[ \t\n\f\r]")
_LOOK_BACK = 4096  # characters: no word or URL that is looked for in the prompt is longer


class StreamRestorer:
    """One text in chunks. Only a placeholder is held back, and no longer than until its word ends."""

    def __init__(self, restorer: Restorer, *, in_literal: bool = False) -> None:
        """Make one; `in_literal` says that the text is what a JSON string means and goes back into one."""
        self._run = RunRestorer(restorer, in_literal=in_literal)

    def feed(self, text: str) -> str:
        """Return what can go out now."""
        return _text_of(self._run.feed(text))

    def close(self) -> str:
        """Return the rest."""
        return _text_of(self._run.close())

    def pass_on(self, text: str) -> str:
        """Return the text with the values that are certain by its own end; nothing is held back."""
        return _text_of([*self._run.feed(text), *self._run.rest()])


class RunRestorer:
    """Several texts in a row, each in chunks: what a client may join is read as joined, and each by itself.

    Example: `see https://evil.example/?q=` in one text and `<EMAIL_ADDRESS_k7f3q2>` in the next stay as they
    are; so do `<EMAIL_ADDRESS_k7f3q2>` and `.evil.example`: a placeholder that ends a text is held until the
    next one begins.
    """

    def __init__(self, restorer: Restorer, *, in_literal: bool = False) -> None:
        self._restorer = restorer
        self._in_literal = in_literal
        self._past = ""  # the end of what went out: where the word began
        self._held = ""
        self._at = 0  # where in the run what is held begins
        self._texts: list[
            tuple[int, str]
        ] = []  # the texts that are not over: where each begins, and its owner
        self._strings = JsonStrings()
        self._quotes = 0
        self._tracker = UrlTracker()

    def feed(self, text: str, owner: str = "") -> list[tuple[str, str]]:
        """Return what can go out now, each piece after its owner. Another owner begins another text."""
        if not self._texts:
            self._tracker = UrlTracker(owner)
        if not self._texts or self._texts[-1][1] != owner:
            self._texts.append((self._at + len(self._held), owner))
        self._held += text
        return self._release(final=False)

    def close(self) -> list[tuple[str, str]]:
        """Return the rest."""
        return self._release(final=True)

    def rest(self) -> list[tuple[str, str]]:
        """Return what is held as it is written."""
        rest, self._held = self._held, ""
        return list(self._plain(rest))

    @property
    def holding(self) -> str | None:
        """Return whose text is held back; None when none is."""
        if not self._held:
            return None
        return next(owner for start, owner in reversed(self._texts) if start <= self._at)

    def _release(self, *, final: bool) -> list[tuple[str, str]]:
        if self._restorer.is_idle or not may_hold(self._held):
            return self.rest()
        text, base, at = self._held, self._at, 0
        pieces: list[tuple[str, str]] = []
        end = -1
        for match in PLACEHOLDER.finditer(text):
            entry = self._restorer.entry(match.group())
            start, stop = match.span()
            if entry is None or any(start < border - base < stop for border, _ in self._texts):
                continue
            if not (final or _decidable(text, stop)):
                end = start
                break
            pieces += self._plain(text[at:start])
            pieces.append(self._placeholder(entry, match.group(), text[stop : stop + 2 * LOOK_AHEAD]))
            at = stop
        if end < 0:
            end = len(text) if final else open_at(text, at)
        pieces += self._plain(text[at:end])
        self._held = text[end:]
        return pieces

    def _placeholder(self, entry: VaultEntry, written: str, after: str) -> tuple[str, str]:
        self._begin_texts()
        self._at += len(written)
        start, stop = len(self._past), len(self._past) + len(written)
        if self._restorer.may_stand(self._past + written + after, start, stop, self._tracker.opened()):
            shown = self._value(entry)
            self._tracker.read(shown)
        else:
            shown = written
            self._tracker.pass_placeholder(len(written))
        self._past = (self._past + shown)[-_LOOK_BACK:]
        return self._texts[0][1], shown

    def _plain(self, text: str) -> Iterator[tuple[str, str]]:
        """Read on over text without a placeholder of ours, and give it to its owners."""
        while text:
            self._begin_texts()
            length = self._texts[1][0] - self._at if len(self._texts) > 1 else len(text)
            piece, text = text[:length], text[length:]
            self._at += len(piece)
            self._past = (self._past + piece[-_LOOK_BACK:])[-_LOOK_BACK:]
            self._read(piece)
            yield self._texts[0][1], piece

    def _begin_texts(self) -> None:
        while len(self._texts) > 1 and self._texts[1][0] <= self._at:
            del self._texts[0]
            self._tracker.begin_text(self._texts[0][1])
            self._strings, self._quotes = JsonStrings(), 0

    def _read(self, text: str) -> None:
        if self._restorer.is_idle:
            return
        self._tracker.read(text)
        if self._restorer.has_escapes:
            self._strings.read(text)
            self._quotes += text.count('"')

    def _value(self, entry: VaultEntry) -> str:
        """Return the value as this place has it."""
        deeper = self._strings.depth - entry.depth
        if deeper >= 0:
            return escaped(entry.value, deeper)
        # as it was written where JSON is quoted, else what it means
        is_meant = self._in_literal and self._quotes % 2 == 0
        return unescaped(entry.value, -deeper) if is_meant else entry.value


def _text_of(pieces: Iterable[tuple[str, str]]) -> str:
    return "".join(text for _, text in pieces)


def _decidable(text: str, end: int) -> bool:
    return len(text) - end > LOOK_AHEAD or _SPACE.search(text, end) is not None
