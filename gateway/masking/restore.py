"""Giving values back: whole texts and streams, never inside a URL that the prompt did not hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import regex

from gateway.masking.json_strings import JsonStrings, decoded_literal, escaped, unescaped
from gateway.masking.placeholders import PLACEHOLDER, canonical, may_hold, names_in, open_at
from gateway.masking.urls import (
    LOOK_AHEAD,
    LOOK_BACK,
    Place,
    Word,
    holds_word,
    host_follows,
    url_around,
    urls_in,
    word_around,
)
from gateway.masking.vault import Entry, Vault

_LITERAL = regex.compile(r'"(?:[^"\\]|\\.)*+"', regex.DOTALL)
_SPACE = regex.compile(r"\s")


class Restorer:
    """Restores the vault's restorable placeholders; everything else is left exactly as written.

    A value comes back as the prompt had it. Inside the strings of a JSON text it is escaped as they are.
    """

    def __init__(self, vault: Vault, prompt_texts: Sequence[str]) -> None:
        """`prompt_texts` are the prompt's texts as the agent sent them: their URLs may come back whole."""
        self._vault = vault
        self._prompt_texts = prompt_texts
        self._words: dict[str, bool] = {}  # whether the prompt holds them

    def whole(self, text: str, *, json_escape: bool = False) -> str:
        """The text with its values. With `json_escape` it is JSON, each string of it a text of its own."""
        if not self._vault.restorable or not may_hold(text):
            return text
        if json_escape:
            return str(_LITERAL.sub(lambda match: self._literal(match.group()), text))
        stream = self.stream()
        return stream.feed(text) + stream.close()

    def stream(self) -> StreamRestorer:
        """A restorer for one text that arrives in chunks."""
        return StreamRestorer(self)

    def restores(self, text: str) -> tuple[tuple[str, str], ...]:
        """Entity and category of every restorable placeholder in the text, or in the JSON strings in it."""
        names = set(names_in(text))
        if "\\" in text:
            names.update(
                n for m in _LITERAL.finditer(text) for n in names_in(decoded_literal(m.group()) or "")
            )
        found = (self._vault.restorable.get(name) for name in names)
        return tuple(sorted({(entry.entity, entry.category) for entry in found if entry}))

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to restore."""
        return not self._vault.restorable

    @cached_property
    def has_escapes(self) -> bool:
        """Whether some value looks different inside a JSON string."""
        return any(escaped(entry.value) != entry.value for entry in self._vault.restorable.values())

    def entry(self, written: str) -> Entry | None:
        """What a placeholder stands for, however it is written; None: not ours, or not to be restored."""
        return self._vault.restorable.get(canonical(written))

    def may_stand(self, text: str, start: int, end: int, url: int | None, word: Word) -> bool:
        """Whether a value may stand where this placeholder does.

        `url` is where the URL begins that it is in, if it is in one, and `word` is what leads up to it. Looks
        no further than LOOK_AHEAD characters ahead.
        """
        if url is None and not word.is_url and not host_follows(text, end):
            return True
        if url is not None and url < 0:
            return False  # it begins out of sight
        around = None if url is None else url_around(text, url, start)
        if around is not None and self._filled(around) in self._prompt_urls:
            return True
        first, last = word_around(text, start, end)
        if first == last or (url is not None and (url < first or url == start)):
            return False  # the URL is more than the word, or its mark-up alone makes it one
        return self._holds(self._filled(text[first:last]))

    def _holds(self, word: str) -> bool:
        if word not in self._words:
            self._words[word] = holds_word(self._prompt_texts, word)
        return self._words[word]

    def _literal(self, literal: str) -> str:
        decoded = decoded_literal(literal)
        if decoded is None:
            return literal
        stream = StreamRestorer(self, in_literal=True)
        restored = stream.feed(decoded) + stream.close()
        return literal if restored == decoded else f'"{escaped(restored)}"'

    def _filled(self, url: str) -> str:
        def value(match: regex.Match[str]) -> str:
            entry = self.entry(match.group())
            return entry.value if entry else str(match.group())

        return str(PLACEHOLDER.sub(value, url))

    @cached_property
    def _prompt_urls(self) -> frozenset[str]:
        return frozenset(url for text in self._prompt_texts for url in urls_in(text))


class StreamRestorer:
    """One text in chunks. Only a placeholder is held back, and no longer than until its word ends."""

    def __init__(self, restorer: Restorer, *, in_literal: bool = False) -> None:
        """`in_literal`: the text is what a JSON string means, and is put into one again."""
        self._restorer = restorer
        self._in_literal = in_literal
        self._past = _Past()  # what came before, masked: the context that decides
        self._held = ""
        self._strings = JsonStrings()
        self._quotes = 0
        self._place = Place()
        self._word = Word()

    def feed(self, text: str) -> str:
        """What can go out now."""
        self._held += text
        return self._release(final=False)

    def close(self) -> str:
        """The rest."""
        return self._release(final=True)

    def pass_on(self, text: str) -> str:
        """The text with the values that are certain by its own end; nothing is held back."""
        return self.feed(text) + self._rest()

    def _rest(self) -> str:
        rest, self._held = self._held, ""
        self._read(rest)
        return rest

    def _release(self, *, final: bool) -> str:
        if self._restorer.is_idle:
            rest, self._held = self._held, ""
            return rest
        if not may_hold(self._held):
            return self._rest()
        past = self._past.text
        text, at = past + self._held, len(past)
        pieces: list[str] = []
        end = -1
        for match in PLACEHOLDER.finditer(text, at):
            entry = self._restorer.entry(match.group())
            if entry is None:
                continue
            start, stop = match.span()
            if not (final or _decidable(text, stop)):
                end = start
                break
            self._read(text[at:start])
            value = match.group()
            url = self._place.url_start()
            within = None if url < 0 else url - (self._past.length - start)
            if self._restorer.may_stand(text, start, stop, within, self._word):
                value = self._value(entry)
                self._word.read(entry.value, is_value=True)
            self._past.add(match.group())
            self._place.read(match.group())
            pieces += text[at:start], value
            at = stop
        if end < 0:
            end = len(text) if final else open_at(text, at)
        self._read(text[at:end])
        self._held = text[end:]
        return "".join([*pieces, text[at:end]])

    def _read(self, text: str) -> None:
        self._past.add(text)
        self._place.read(text)
        self._word.read(text)
        if self._restorer.has_escapes:
            self._strings.read(text)
            self._quotes += text.count('"')

    def _value(self, entry: Entry) -> str:
        """The value as this place has it."""
        deeper = self._strings.depth - entry.depth
        if deeper >= 0:
            return escaped(entry.value, deeper)
        # as it was written where JSON is quoted, else what it means
        is_meant = self._in_literal and self._quotes % 2 == 0
        return unescaped(entry.value, -deeper) if is_meant else entry.value


class _Past:
    """The end of a text that comes in pieces: as much of it as the rules look back, and a little more."""

    def __init__(self) -> None:
        self.length = 0  # of all that came
        self._pieces: list[str] = []
        self._kept = 0

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)
        self._kept += len(text)
        if self._kept > 2 * LOOK_BACK:
            self._pieces = [self.text]
            self._kept = len(self._pieces[0])

    @property
    def text(self) -> str:
        # more than the rules look back, for what precedes an opener
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0][-LOOK_BACK - 64 :]


def _decidable(text: str, end: int) -> bool:
    return len(text) - end > LOOK_AHEAD or _SPACE.search(text, end) is not None
