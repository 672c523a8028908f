"""Giving values back: whole texts, runs of texts and streams, where what is around a placeholder is inert."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import regex

from gateway.dialects import DuplicateKey, strict_json
from gateway.masking.destinations import TEXT, Destination, destinations, string_paths
from gateway.masking.json_strings import decoded_literal, escaped
from gateway.masking.placeholders import PLACEHOLDER, WRITTEN, canonical, may_hold, names_in
from gateway.masking.places import Opened
from gateway.masking.runs import RunRestorer, StreamRestorer
from gateway.masking.urls import holds_word, host_follows, url_from, urls_in, word_around
from gateway.masking.vault import Vault, VaultEntry
from gateway.words import ToolCall

_LITERAL = regex.compile(r'"(?:[^"\\]|\\.)*+"', regex.DOTALL)
_MEMBER = regex.compile(r'("(?:[^"\\]|\\.)*+")(\s*+:)?', regex.DOTALL)  # a string, or a key with its colon
_NUMBER = regex.compile(r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?")
# A placeholder that stands for a number: beside other digits, or as an exponent, it would be another one.
_WRITTEN_NUMBER = regex.compile(rf"-?{WRITTEN}(?:\.\d{{1,400}})?")


class Restorer:
    """Restores the vault's restorable placeholders; everything else is left exactly as written.

    A value comes back as the prompt had it. Inside the strings of a JSON text it is escaped as they are.
    """

    def __init__(self, vault: Vault, prompt_texts: Sequence[str]) -> None:
        """Take the prompt's texts as the agent sent them: their URLs may come back whole."""
        self._vault = vault
        self._prompt_texts = prompt_texts
        self._words: dict[str, bool] = {}  # whether the prompt holds them
        self._destinations: Sequence[Destination] = (TEXT,)
        self._root = self

    def at(self, destinations: Sequence[Destination]) -> Restorer:
        """Return what restores the values that may come back at each of these destinations."""
        if not self._vault.is_limited:
            return self
        other = copy.copy(self)
        other._destinations = destinations
        return other

    def whole(self, text: str) -> str:
        """Return the text with its values."""
        if not self._vault.restorable or not may_hold(text):
            return text
        stream = self.stream()
        return stream.feed(text) + stream.close()

    def argument(self, text: str, call: ToolCall | None, pointer: str) -> str | int | float:
        """Return what stands in a call's arguments, or in a field of any JSON, with its values."""
        if call is None:
            return self.value(text)
        if call.raw_json:
            return self.json(text, call)
        here = self.at(destinations(call, pointer))
        return here.value(text) if call.is_free else here.whole(text)

    def value(self, text: str) -> str | int | float:
        """Return the value of JSON that this string stands for: a number where the prompt had one."""
        restored = self.whole(text)
        if restored == text or not self._is_number(text, restored):
            return restored
        number: int | float = json.loads(restored)
        return number

    def json(self, text: str, call: ToolCall | None = None) -> str:
        """Return a call's arguments, a JSON text, with their values; each string is read by itself.

        A key gets its value back unless the object has that key as well.
        """
        if not self._vault.restorable or not may_hold(text):
            return text
        here = self._by_place(text, call)
        restored = _MEMBER.sub(lambda m: here(m.start())._literal(m[1], m[2]), text)
        if restored != text and _repeats_a_key(restored) and not _repeats_a_key(text):
            return str(_MEMBER.sub(lambda m: m[0] if m[2] else here(m.start())._literal(m[1], ""), text))
        return str(restored)

    def row(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the texts with their values. A client may join them, in this order."""
        if not self._vault.restorable or not any(map(may_hold, texts.values())):
            return dict(texts)
        run, restored = self.run(), dict.fromkeys(texts, "")
        for owner, piece in [*(one for name in texts for one in run.feed(texts[name], name)), *run.close()]:
            restored[owner] += piece
        return restored

    def stream(self) -> StreamRestorer:
        """Return a restorer for one text that arrives in chunks."""
        return StreamRestorer(self)

    def run(self) -> RunRestorer:
        """Return a restorer for several texts in a row, which a client may join."""
        return RunRestorer(self)

    def restores(
        self, text: str, call: ToolCall | None = None, pointer: str = ""
    ) -> tuple[tuple[str, str], ...]:
        """Return entity and category of every placeholder that is restored where this stands in the call."""
        if call and call.raw_json and self._vault.is_limited:
            here = self._by_place(text, call)
            found = [
                here(m.start()).entry(name)
                for m in _LITERAL.finditer(text)
                for name in names_in(decoded_literal(m.group()) or "")
            ]
        else:
            names = set(names_in(text))
            if "\\" in text:
                names.update(
                    n for m in _LITERAL.finditer(text) for n in names_in(decoded_literal(m.group()) or "")
                )
            within = self.at(destinations(call, pointer)) if call else self
            found = [within.entry(name) for name in names]
        return tuple(sorted({(entry.entity, entry.category) for entry in found if entry}))

    def _by_place(self, text: str, call: ToolCall | None) -> Callable[[int], Restorer]:
        """Return what restores the string that begins at an offset of a call's arguments."""
        if call is None or not self._vault.is_limited:
            return lambda _: self
        paths = dict(string_paths(text)) if call.arguments is not None else {}
        return lambda start: self.at([(call.name, *paths.get(start, ()))])

    def key(self, text: str, call: ToolCall, pointer: str) -> str:
        """Return a key of a call's arguments with its values."""
        return self.at(destinations(call, pointer)).whole(text)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to restore."""
        return not self._vault.restorable

    @cached_property
    def has_escapes(self) -> bool:
        """Whether some value looks different inside a JSON string."""
        return any(escaped(entry.value) != entry.value for entry in self._vault.restorable.values())

    def entry(self, written: str) -> VaultEntry | None:
        """Return what a placeholder stands for, however it is written; None when it is not to be restored."""
        name = canonical(written)
        entry = self._vault.restorable.get(name)
        may_go = entry and all(self._vault.may_go(name, there) for there in self._destinations)
        return entry if may_go else None

    def may_stand(self, text: str, start: int, end: int, opened: Opened | None) -> bool:
        """Return whether a value may stand where this placeholder does, given what is open there.

        Looks no further than LOOK_AHEAD characters ahead.
        """
        if opened is None and not host_follows(text, end):
            return True
        began = start - opened.back if opened else start
        if opened and (opened.back < 0 or began < 0):
            return False  # it begins out of sight
        url = url_from(text, began, start) if opened else None
        if url is not None and self._filled(url) in self._root._prompt_urls:
            return True
        if opened and opened.is_mark_up:
            return False
        first, last = word_around(text, start, end)
        if began < first:  # a URL in quotes, of several words
            return self._holds(self._filled(text[began:end]), as_word=False)
        return first < last and self._holds(self._filled(text[first:last]))

    def _holds(self, words: str, *, as_word: bool = True) -> bool:
        if words not in self._words:
            texts = self._prompt_texts
            self._words[words] = holds_word(texts, words) if as_word else any(words in text for text in texts)
        return self._words[words]

    def _literal(self, literal: str, colon: str | None) -> str:
        """Return a string of JSON with its values, and the colon that follows a key."""
        colon, decoded = colon or "", decoded_literal(literal)
        if decoded is None or not may_hold(decoded):
            return literal + colon
        stream = StreamRestorer(self, in_literal=True)
        restored = stream.feed(decoded) + stream.close()
        if restored == decoded:
            return literal + colon
        if not colon and self._is_number(decoded, restored):
            return restored
        return f'"{escaped(restored)}"{colon}'

    def _is_number(self, written: str, restored: str) -> bool:
        """Return whether what was restored stood in the prompt as a number of JSON."""
        return (
            _WRITTEN_NUMBER.fullmatch(written) is not None
            and _NUMBER.fullmatch(restored) is not None
            and all(self._vault.is_number(name) for name in names_in(written))
        )

    def _filled(self, url: str) -> str:
        def value(match: regex.Match[str]) -> str:
            entry = self.entry(match.group())
            return entry.value if entry else str(match.group())

        return str(PLACEHOLDER.sub(value, url))

    @cached_property
    def _prompt_urls(self) -> frozenset[str]:
        return frozenset(url for text in self._prompt_texts for url in urls_in(text))


def _repeats_a_key(text: str) -> bool:
    try:
        strict_json(text)
    except DuplicateKey:
        return True
    except (ValueError, RecursionError):
        return False
    return False
