"""Where a text is inside the mark-up of HTML, Markdown or CSS that names a place, in every renderer.

Example: `say <img alt="PH"> or [x](/PH) to PH`. The first placeholder stands in an attribute, the second in a
link's target, the third in prose.

No reader knows which `<` a renderer takes for a tag: Markdown reads none in code, HTML knows no code. So
every `<` that may begin one does, beside all that is open already: the machine is in several states at once.
A state is left only by what ends it for every renderer.
"""

from __future__ import annotations

import re

_SPACES = frozenset(" \t\f\r\n")
_SPACE, _LETTER, _OTHER = "space", "letter", "other"
_DEAD = ""
# The state that follows each character, or each character of a kind. What is not said stays where it is.
_STEPS = {
    "<": {_LETTER: "name", "/": "name", _OTHER: _DEAD},
    "name": {_SPACE: "tag", "/": "tag", ">": _DEAD},
    "tag": {">": _DEAD, "=": "="},
    "=": {_SPACE: "=", '"': '"', "'": "'", ">": _DEAD, _OTHER: "bare"},
    "bare": {_SPACE: "tag", ">": _DEAD},
    '"': {'"': "tag"},
    "'": {"'": "tag"},
    "]": {"(": "](", _OTHER: _DEAD},
    "](": {_SPACE: "](", "<": "](<", "\\": "target\\", _OTHER: "target"},
    "target": {"\n": _DEAD, ")": "after target", "\\": "target\\"},
    "target\\": {_OTHER: "target"},  # some renderers take a line end after it as a part of the target
    "after target": {_SPACE: _DEAD},
    "label": {"]": "label]", "\\": "label\\"},  # of a reference definition, which begins a line
    "label\\": {"]": "label\\]", _OTHER: "label"},
    "label\\]": {":": "]:", "]": "label]", "\\": "label\\", _OTHER: "label"},  # old renderers read no escapes
    "label]": {":": "]:", _OTHER: _DEAD},
    # the definition may go on in the next line, behind the marks of its block quotes
    "]:": {_SPACE: "]:", ">": "]:", "<": "](<", "\\": "defined\\", _OTHER: "defined"},
    "defined": {_SPACE: _DEAD, "\\": "defined\\"},
    "defined\\": {_OTHER: "defined"},
    "](<": {"\n": _DEAD, "\\": "](<\\"},
    "](<\\": {_OTHER: "](<"},
    "url(": {")": _DEAD, "\\": "url(\\"},
    "url(\\": {_OTHER: "url("},
    "url=": {"\n": _DEAD, ">": _DEAD, "]": _DEAD, '"': _DEAD, "'": _DEAD},
}
# The next character matters, whatever it is.
_IMMEDIATE = frozenset(
    ("<", "=", "]", "](", "label\\]", "label]", "]:", *(state for state in _STEPS if state.endswith("\\")))
)
_LOOSE = "?"  # before the state of a tag that is none to most renderers, such as `a<b`: its attributes count
_HARMLESS = frozenset(("<", "?<", "]", "label", "label\\", "label\\]", "label]", "?tag"))
_ACTIVE = frozenset(
    ("style", "script", "textarea", "select", "option")
)  # what they hold is run, loaded or sent
_NAME = re.compile(r"/?[A-Za-z][\w:.-]*")
_IDLE_MARK = re.compile(r"[<\[\](=]")
_MARK = re.compile(r"[<>/=\"'()\[\]\\\s]")
_LINE_START = re.compile(r"(?:\A|[\r\n])[ \t>*+\-\d.)]*\Z")
_URL_OPENER = re.compile(r"\burl\s{0,4}\Z", re.IGNORECASE)
_LONGEST_LABEL = 1000
_TAIL = 128  # characters that an opener looks back


class MarkUp:
    """The states that the text so far may be in. Pieces may be cut anywhere."""

    def __init__(self) -> None:
        self._at = 0
        self._tail = "\n"
        self._name = ""
        self._in_word = False  # the `<` stands in a word, as in `a<b`
        self._states: dict[str, int] = {}  # the state: where what it holds begins; -1 is out of reach
        self._inside: set[str] = set()  # the active elements that are open

    def read(self, text: str) -> list[int]:
        """Go on over a piece of the text; return where in it tags ended that began with a name."""
        ends: list[int] = []
        at = 0
        while at < len(text):
            if self._states.keys() & _IMMEDIATES:
                self._step(text, at, ends)
            else:
                mark = (_MARK if self._states else _IDLE_MARK).search(text, at)
                to = mark.start() if mark else len(text)
                if "name" in self._states:
                    self._name += text[at:to]
                at = to
                if mark:
                    self._step(text, at, ends)
            at += 1
        self._at += len(text)
        self._tail = (self._tail + text)[-_TAIL:]
        return ends

    def opened(self) -> int | None:
        """Return where the outermost of what is open begins (-1: out of reach); None if nothing is."""
        if self._inside:
            return -1
        return min((start for state, start in self._states.items() if state not in _HARMLESS), default=None)

    def _step(self, text: str, at: int, ends: list[int]) -> None:
        char, here = text[at], self._at + at
        states, self._states = self._states, {}
        for state, start in states.items():
            loose, known = (_LOOSE, state[1:]) if state.startswith(_LOOSE) else ("", state)
            after = _NEXT[known][char if char in _NEXT[known] else _kind(char)]
            if known == "name" and after != "name":
                loose = self._named()
            if known in _TAG_STATES and after == _DEAD and char == ">" and not loose:
                ends.append(at + 1)
            self._enter(after, loose, start if after == known else None, here)
        if "name" in self._states and char != "<":
            self._name = char if "<" in states else self._name + char
        self._open(text, at, char, here)

    def _enter(self, state: str, loose: str, start: int | None, here: int) -> None:
        if state == _DEAD or (state == "label" and start is not None and here - start > _LONGEST_LABEL):
            return
        if start is None:
            start = -1 if state in ("tag", "after target") else here + (state in _BEFORE_CONTENT)
        elif state in ("=", "](", "]:"):
            start = here + 1
        name = loose + state if state in _TAG_STATES else state
        self._states[name] = min(start, self._states.get(name, start))

    def _open(self, text: str, at: int, char: str, here: int) -> None:
        """Note what may begin with this character."""
        if char == "<":
            self._enter("<", "", None, here)
            before = text[at - 1] if at else self._tail[-1:]
            self._in_word = before.isalnum() or before in ")]_<"
        elif char == "]":
            self._enter("]", "", None, here)
        elif char == "[" and _LINE_START.search((self._tail + text[max(0, at - _TAIL) : at])[-_TAIL:]):
            self._enter("label", "", None, here)
        elif char in "(=" and _URL_OPENER.search((self._tail + text[max(0, at - _TAIL) : at])[-8:]):
            self._enter(f"url{char}", "", None, here)

    def _named(self) -> str:
        """Take note of a tag whose name is complete; return how it is read on."""
        name = self._name.lower()
        if name in _ACTIVE:
            self._inside.add(name)
        self._inside -= {name[1:]} if name.startswith("/") else set()
        is_start = not name.startswith("/")
        return _LOOSE if not _NAME.fullmatch(name) or (is_start and self._in_word) else ""


def _kind(char: str) -> str:
    if char in _SPACES:
        return _SPACE
    return _LETTER if char.isascii() and char.isalpha() else _OTHER


def _complete(state: str, steps: dict[str, str]) -> dict[str, str]:
    """Return the steps with every kind of character in them."""
    rest = steps.get(_OTHER, state)
    return {_SPACE: rest, _LETTER: rest, _OTHER: rest, **steps}


_NEXT = {state: _complete(state, steps) for state, steps in _STEPS.items()}
_TAG_STATES = frozenset(("name", "tag", "=", "bare", '"', "'"))
_IMMEDIATES = _IMMEDIATE | {_LOOSE + state for state in _IMMEDIATE}
_BEFORE_CONTENT = frozenset(("=", '"', "'", "](", "]:", "](<", "url(", "url="))
