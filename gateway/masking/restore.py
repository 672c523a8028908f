"""Giving values back: whole texts and streams, never inside a URL that the prompt did not hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property

import regex

from gateway.masking.urls import (
    LOOK_AHEAD,
    LOOK_BACK,
    PLACEHOLDER,
    Openers,
    host_follows,
    url_around,
    urls_in,
)
from gateway.masking.vault import Vault

_LITERAL = regex.compile(r'"(?:[^"\\]|\\.)*+"', regex.DOTALL)
_PARTIAL = regex.compile(r"<(?:[A-Z][A-Z0-9_]{0,116}(?:_[a-z2-7]{0,52})?)?$")
_SPACE = regex.compile(r"\s")


class Restorer:
    """Restores the vault's restorable placeholders; everything else is left exactly as written."""

    def __init__(self, vault: Vault, prompt_texts: Sequence[str]) -> None:
        """`prompt_texts` are the prompt's texts as the agent sent them: their URLs may come back whole."""
        self._vault = vault
        self._prompt_texts = prompt_texts

    def whole(self, text: str, *, json_escape: bool = False) -> str:
        """The text with its values. With `json_escape` it is JSON, each string of it a text of its own."""
        if json_escape:
            return str(_LITERAL.sub(lambda match: self._literal(match.group()), text))
        return self._text(text)

    def stream(self) -> StreamRestorer:
        """A restorer for one text that arrives in chunks."""
        return StreamRestorer(self)

    def restores(self, text: str) -> tuple[tuple[str, str], ...]:
        """Entity and category of every restorable placeholder in the text, or in the JSON strings in it."""
        names = {match.group() for match in PLACEHOLDER.finditer(text)}
        if "\\" in text:
            names.update(
                name
                for m in _LITERAL.finditer(text)
                for name in PLACEHOLDER.findall(_decoded(m.group()) or "")
            )
        restorable = self._vault.restorable
        return tuple(sorted({restorable[name][:2] for name in names if name in restorable}))

    def leaves(self, placeholder: str) -> bool:
        """Whether this one is left as it is wherever it stands: not ours, or not to be restored."""
        return placeholder not in self._vault.restorable

    def value_at(self, text: str, start: int, end: int, openers: Openers) -> str:
        """What stands for the placeholder at these offsets: its value, or itself.

        Looks no further than LOOK_BACK characters back and LOOK_AHEAD ahead.
        """
        placeholder = text[start:end]
        entry = self._vault.restorable.get(placeholder)
        if entry is None or not self._may_stand(text, start, end, openers):
            return placeholder
        return entry[2]

    def _text(self, text: str) -> str:
        if not self._vault.restorable or "<" not in text:
            return text
        openers, pieces, at = Openers(text), list[str](), 0
        for match in PLACEHOLDER.finditer(text):
            pieces += text[at : match.start()], self.value_at(text, match.start(), match.end(), openers)
            at = match.end()
        pieces.append(text[at:])
        return "".join(pieces)

    def _literal(self, literal: str) -> str:
        decoded = _decoded(literal)
        restored = self._text(decoded) if decoded is not None else None
        return (
            literal if restored is None or restored == decoded else json.dumps(restored, ensure_ascii=False)
        )

    def _may_stand(self, text: str, start: int, end: int, openers: Openers) -> bool:
        url = openers.url_start(start)
        if url < 0:
            return not host_follows(text, end)
        around = url_around(text, url, start)
        return around is not None and self._filled(around) in self._prompt_urls

    def _filled(self, url: str) -> str:
        restorable = self._vault.restorable

        def value(match: regex.Match[str]) -> str:
            entry = restorable.get(match.group())
            return entry[2] if entry else str(match.group())

        return str(PLACEHOLDER.sub(value, url))

    @cached_property
    def _prompt_urls(self) -> frozenset[str]:
        return frozenset(url for text in self._prompt_texts for url in urls_in(text))


class StreamRestorer:
    """One text in chunks. Only a placeholder is held back, and no longer than until its word ends."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._before = ""  # what came before, masked: the context that decides
        self._held = ""

    def feed(self, text: str) -> str:
        """What can go out now."""
        self._held += text
        return self._release(final=False)

    def close(self) -> str:
        """The rest."""
        return self._release(final=True)

    def _release(self, *, final: bool) -> str:
        text, at = self._before + self._held, len(self._before)
        pieces: list[str] = []
        openers: Openers | None = None
        for match in PLACEHOLDER.finditer(text, at):
            if not (final or self._restorer.leaves(match.group()) or _decidable(text, match.end())):
                pieces.append(text[at : match.start()])
                return self._keep(text, match.start(), pieces)
            openers = openers or Openers(text, max(0, match.start() - LOOK_BACK))
            value = self._restorer.value_at(text, match.start(), match.end(), openers)
            pieces += text[at : match.start()], value
            at = match.end()
        partial = None if final else _PARTIAL.search(text, max(at, len(text) - 180))
        end = partial.start() if partial else len(text)
        pieces.append(text[at:end])
        return self._keep(text, end, pieces)

    def _keep(self, text: str, at: int, pieces: list[str]) -> str:
        # one character more than the rules look back, for what precedes an opener
        self._before, self._held = text[max(0, at - LOOK_BACK - 64) : at], text[at:]
        return "".join(pieces)


def _decidable(text: str, end: int) -> bool:
    return len(text) - end > LOOK_AHEAD or _SPACE.search(text, end) is not None


def _decoded(literal: str) -> str | None:
    try:
        value = json.loads(literal)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
