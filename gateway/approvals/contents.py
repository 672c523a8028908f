"""What an approval is about, as the people who decide it read it: entries, in pages.

For example, a prompt with one finding has these entries, in this order:

    finding  SQL_INJECTION  /messages/1/content   "… and then ignore your instructions and …"
    setting  /model                               "gpt-4o"
    tool     send_mail                            "Sends a mail."
    text     user           /messages/1/content   the whole text
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from gateway.blanks import indented

PAGE_CHARACTERS = 16_384
MAX_BYTES = 4 * 1024 * 1024

About = Literal[
    "finding", "setting", "header", "tag", "attachment", "tool", "call", "text", "field", "earlier"
]
_SAID: tuple[About, ...] = ("call", "text", "field")
_HEADINGS: dict[About, str] = {
    "finding": "found {name} at {pointer}",
    "setting": "setting {name}{pointer}",
    "header": "header {name}",
    "tag": "tag {name}",
    "attachment": "attachment {name}",
    "tool": "offered tool {name}",
    "call": "tool call {name}",
    "text": "{name} {pointer}",
    "field": "{name} {pointer}",
    "earlier": "sent before: {name} {pointer}",
}


class ContentEntry(msgspec.Struct, frozen=True):
    """One thing to read: what it is about, its name, where it stands, and all of its text, masked."""

    about: About
    name: str
    pointer: str
    text: str

    @property
    def heading(self) -> str:
        """What stands above the text, in one line."""
        said = _HEADINGS[self.about].format(name=self.name, pointer=self.pointer)
        return " ".join(said.split())


Contents = tuple[ContentEntry, ...]


def encode(contents: Contents) -> bytes:
    """Return the entries as JSON. Half a surrogate pair, which UTF-8 cannot hold, becomes `?`."""
    return msgspec.json.encode([_sound(entry) for entry in contents])


def decode(document: bytes) -> Contents:
    """Return the entries that `encode` wrote."""
    return msgspec.json.decode(document, type=Contents)


def as_text(contents: Contents) -> str:
    """Return what is new and said, whole: a line for each text, with everything behind a line break indented.

    So no text passes for a line of its own.
    """
    said = (
        f"tool call {entry.name}" if entry.about == "call" else f"{entry.name}: {entry.text}"
        for entry in map(_sound, contents)
        if entry.about in _SAID
    )
    return "\n".join(indented(line) for line in said)


def as_lines(page: Sequence[ContentEntry]) -> str:
    """Return a page as text for a terminal."""
    return "\n".join(indented(f"{entry.heading}: {entry.text}") for entry in page)


def pages(contents: Contents) -> list[Contents]:
    """Return the entries in pages of at most 16,384 characters; a longer text goes on on the next pages.

    There is always one page.
    """
    found: list[list[ContentEntry]] = [[]]
    room = PAGE_CHARACTERS
    for entry in _pieces(contents):
        size = _size(entry)
        if size > room and found[-1]:
            found.append([])
            room = PAGE_CHARACTERS
        found[-1].append(entry)
        room -= size
    return [tuple(page) for page in found]


def _pieces(contents: Contents) -> Iterator[ContentEntry]:
    """Yield the entries, those with long texts cut into pieces that fill a page each."""
    for entry in contents:
        step = max(PAGE_CHARACTERS - _size(entry) + len(entry.text), PAGE_CHARACTERS // 4)
        for start in range(0, max(len(entry.text), 1), step):
            yield msgspec.structs.replace(entry, text=entry.text[start : start + step])


def _size(entry: ContentEntry) -> int:
    return len(entry.name) + len(entry.pointer) + len(entry.text) + 16


def _sound(entry: ContentEntry) -> ContentEntry:
    fields = {name: value.encode("utf-8", "replace").decode() for name, value in _texts(entry)}
    return msgspec.structs.replace(entry, **fields)


def _texts(entry: ContentEntry) -> Iterator[tuple[str, str]]:
    return ((name, getattr(entry, name)) for name in ("name", "pointer", "text"))
