"""Masking a text that arrives in pieces: where it holds JSON, it stays JSON.

Example, for `{"total": 6444427995, "to": "jane@acme.org"}` with both values masked:

    1. `{` begins a line, so JSON may begin; a string, a colon: a value may follow
    2. the number is held until its token ends, then goes out in quotes: `"<PHONE_NUMBER_k7f3q2>"`
    3. the address stands in a string already: `<EMAIL_ADDRESS_m2c8x4>`

JSON begins with a bracket at the start of a line and ends with its last one. What breaks its grammar before
that is plain text, up to the next line that begins with a bracket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.masking.vault import Where
from gateway.words import Finding, merged

Masked = Callable[[str, Where], str]
_LINE = re.compile(r"\n[ \t]*(?=[{\[])")
_STRING = re.compile(r'["\\]')
_BARE = re.compile(r"[\w.+\-]+")
_SPACES = re.compile(r"[ \t\r\n]+")
_LITERAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_LONGEST_BARE = 400  # characters: a longer word is no number
_Open = tuple[str, "_Open"] | None  # the brackets that are open, the innermost first


@dataclass(frozen=True, slots=True)
class _State:
    """How far the text has come. `due` is what JSON's grammar lets follow; "" in plain text."""

    due: str = "line"  # a bracket, at the start of a line
    open: _Open = None
    in_string: bool = False
    is_key: bool = False
    escaped: bool = False


class JsonPieces:
    """One text. Only its masked values are not as they came, and the quotes around them."""

    def __init__(self) -> None:
        self._state = _State()
        self._token: list[tuple[str, str]] = []  # a bare word that is not over: as it came, and masked

    def plain(self, text: str) -> str:
        """Return what goes out for text that stays as it is."""
        return "".join(self._read(text, None))

    def masked(self, text: str, mask: Masked) -> str:
        """Return what goes out for a value; `mask` gives what replaces it, or a piece of it in one string."""
        before, token = self._state, [*self._token]
        hidden: list[str] = []

        def hide(piece: str, where: Where) -> str:
            hidden.append(piece)
            return mask(piece, where)

        out = "".join(self._read(text, hide))
        if hidden and (self._state.due or not before.due):
            return out
        self._token = token  # no JSON after all, or nothing but brackets
        shown = self._ended(plain=True)
        self._state = _State(due="")
        return shown + mask(text, "text")

    def close(self) -> str:
        """Return what is held."""
        return self._ended(plain=True) if self._token else ""

    def _read(self, text: str, mask: Masked | None) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(text):
            state = self._state
            if not state.due:
                step = self._skip
            elif state.in_string:
                step = self._string
            else:
                step = self._next
            at = step(text, at, out, mask)
        return out

    def _skip(self, text: str, at: int, out: list[str], mask: Masked | None) -> int:
        """Pass plain text, up to a line that may begin JSON."""
        line = text.find("\n", at)
        end = len(text) if line < 0 or mask else line + 1
        out.append(mask(text[at:end], "text") if mask else text[at:end])
        if line >= 0:
            self._state = _State()
        return end

    def _string(self, text: str, at: int, out: list[str], mask: Masked | None) -> int:
        state, start = self._state, at
        if state.escaped:
            at, state = at + 1, replace(state, escaped=False)
        mark = _STRING.search(text, at)
        end = mark.start() if mark else len(text)
        if mark and mark.group() == "\\":
            end, state = end + 1, replace(state, escaped=True)
        if end > start:
            piece = text[start:end]
            out.append(mask(piece, "key" if state.is_key else "string") if mask else piece)
        if mark and mark.group() == '"':
            out.append('"')
            end, state = end + 1, replace(state, in_string=False, due=":" if state.is_key else ",")
        self._state = state
        return end

    def _next(self, text: str, at: int, out: list[str], mask: Masked | None) -> int:
        """Take the next token, or piece of one, outside of strings."""
        if bare := _BARE.match(text, at):
            return self._bare(bare, out, mask)
        if self._token:
            out.append(self._ended())
            return at
        if spaces := _SPACES.match(text, at):
            out.append(spaces.group())
            return spaces.end()
        after = _after(self._state, text[at])
        if after is None:
            self._state = _State(due="")
            return at
        out.append(text[at])
        self._state = after
        return at + 1

    def _bare(self, bare: re.Match[str], out: list[str], mask: Masked | None) -> int:
        if "value" not in self._state.due:
            out.append(self._ended(plain=True))
            self._state = _State(due="")
            return bare.start()
        word = bare.group()
        self._token.append((word, mask(word, "number") if mask else word))
        if sum(len(piece) for piece, _ in self._token) > _LONGEST_BARE:
            out.append(self._ended(plain=True))
            self._state = _State(due="")
        return bare.end()

    def _ended(self, *, plain: bool = False) -> str:
        """Return the bare word that is over: in quotes when a value of it was masked."""
        raw, shown = ("".join(words) for words in zip(*self._token, strict=True)) if self._token else ("", "")
        self._token = []
        if plain:
            return shown
        if not _LITERAL.fullmatch(raw):
            self._state = _State(due="")
            return shown
        self._state = replace(self._state, due=",")
        return shown if shown == raw else json.dumps(shown, ensure_ascii=False)


def splice_pieces(text: str, findings: Sequence[Finding], replace: Callable[[Finding, Where], str]) -> str:
    """Replace findings as `JsonPieces` does in the same text that arrives in pieces."""
    pieces, out, at = JsonPieces(), list[str](), 0
    for finding in merged(findings):

        def mask(piece: str, where: Where, finding: Finding = finding) -> str:
            start = text.index(piece, finding.start)
            return replace(finding.at(start, start + len(piece)), where)

        out += pieces.plain(text[at : finding.start]), pieces.masked(text[finding.start : finding.end], mask)
        at = finding.end
    return "".join([*out, pieces.plain(text[at:]), pieces.close()])


def _after(state: _State, char: str) -> _State | None:
    """Return the state after a sign of JSON; None where its grammar has none."""
    due, inner = state.due, state.open[0] if state.open else ""
    if char in "{[" and (due == "line" or "value" in due):
        return _State("key or }" if char == "{" else "value or ]", (char, state.open))
    if char == '"' and ("value" in due or "key" in due):
        return replace(state, in_string=True, is_key="key" in due)
    if char == ":" and due == ":":
        return replace(state, due="value")
    if char == "," and due == ",":
        return replace(state, due="key" if inner == "{" else "value")
    closes = {"{": "}", "[": "]"}.get(inner)
    if char == closes and (due == "," or due.endswith(char)):
        assert state.open is not None
        rest = state.open[1]
        return _State(",", rest) if rest else _State(due="")
    return None
