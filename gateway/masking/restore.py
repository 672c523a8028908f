"""Giving values back: whole texts, runs of texts and streams, where what is around a placeholder is inert."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import regex

from gateway.dialects import DuplicateKey, strict_json
from gateway.masking.json_strings import JsonStrings, decoded_literal, escaped, unescaped
from gateway.masking.placeholders import PLACEHOLDER, canonical, may_hold, names_in, open_at
from gateway.masking.places import Opened, UrlTracker
from gateway.masking.urls import LOOK_AHEAD, holds_word, host_follows, url_from, urls_in, word_around
from gateway.masking.vault import Vault, VaultEntry

_LITERAL = regex.compile(r'"(?:[^"\\]|\\.)*+"', regex.DOTALL)
_MEMBER = regex.compile(r'("(?:[^"\\]|\\.)*+")(\s*+:)?', regex.DOTALL)  # a string, or a key with its colon
_NUMBER = regex.compile(r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?")
_SPACE = regex.compile(r"[ \t\n\f\r]")
_LOOK_BACK = 4096  # characters: no word or URL that is looked for in the prompt is longer


class Restorer:
    """Restores the vault's restorable placeholders; everything else is left exactly as written.

    A value comes back as the prompt had it. Inside the strings of a JSON text it is escaped as they are.
    """

    def __init__(self, vault: Vault, prompt_texts: Sequence[str]) -> None:
        """Take the prompt's texts as the agent sent them: their URLs may come back whole."""
        self._vault = vault
        self._prompt_texts = prompt_texts
        self._words: dict[str, bool] = {}  # whether the prompt holds them

    def whole(self, text: str) -> str:
        """Return the text with its values."""
        if not self._vault.restorable or not may_hold(text):
            return text
        stream = self.stream()
        return stream.feed(text) + stream.close()

    def value(self, text: str) -> str | int | float:
        """Return the value of JSON that this string stands for: a number where the prompt had one."""
        restored = self.whole(text)
        if restored == text or not self._is_number(text, restored):
            return restored
        number: int | float = json.loads(restored)
        return number

    def json(self, text: str) -> str:
        """Return a JSON text with its values; each string is read by itself.

        A key gets its value back unless the object has that key as well.
        """
        if not self._vault.restorable or not may_hold(text):
            return text
        restored = _MEMBER.sub(lambda match: self._literal(match[1], match[2]), text)
        if restored != text and _repeats_a_key(restored) and not _repeats_a_key(text):
            return str(_MEMBER.sub(lambda m: m[0] if m[2] else self._literal(m[1], ""), text))
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

    def restores(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return entity and category of every restorable placeholder in the text and its JSON strings."""
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

    def entry(self, written: str) -> VaultEntry | None:
        """Return what a placeholder stands for, however it is written; None when it is not to be restored."""
        return self._vault.restorable.get(canonical(written))

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
        if url is not None and self._filled(url) in self._prompt_urls:
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
            _NUMBER.fullmatch(restored) is not None
            and not _NUMBER.fullmatch(written)
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


def _repeats_a_key(text: str) -> bool:
    try:
        strict_json(text)
    except DuplicateKey:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _text_of(pieces: Iterable[tuple[str, str]]) -> str:
    return "".join(text for _, text in pieces)


def _decidable(text: str, end: int) -> bool:
    return len(text) - end > LOOK_AHEAD or _SPACE.search(text, end) is not None
