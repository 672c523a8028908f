"""What a terminal may be sent: text whose control characters are spelled out, on lines that cannot be forged.

Everything that commands print passes `guarded`, which spells out control characters as JSON does:

    a model called "gpt", ESC, "[2J"    →    gpt\\u001b[2J

What a stream cannot know is which line breaks belong to a value. `line` and `block` are for those. They are
for people only, and put U+FFFD in the place of control characters.
"""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, TextIO

from gateway.blanks import BLANK, indented

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

_SUSPECT = re.compile(r"[^\n\t -~]")
_BREAKS = re.compile("[\n\t]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_END = "\r\n"  # of a line of CSV
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Our own styles, which only a terminal gets: bold, dim, italic, underlined, and seven colors.
_COLOR = r"\x1b\[(?:(?:0|[1-4]|3[1-79]|9[1-7]);?){0,4}m"


def spelled(text: str) -> str:
    """Return the text with everything spelled out that steers a terminal or shows nothing.

    Line feeds and tabs stay. A JSON text means the same afterwards.
    """
    return _without_suspects(text, _escaped)


def printable(text: str) -> str:
    """Return the text with U+FFFD for everything that steers a terminal or shows nothing.

    Line feeds and tabs stay.
    """
    return _without_suspects(text, lambda _: _REPLACEMENT)


def line(text: str) -> str:
    """Return the text on one line, with U+FFFD for line feeds and tabs too."""
    return _BREAKS.sub(_REPLACEMENT, printable(text))


def block(text: str) -> str:
    """Return the text on as many lines as it has, all but the first moved to the right."""
    return printable(indented(text))


@contextmanager
def guarded() -> Iterator[None]:
    """Send everything that is printed in this block through `printable`. Bytes pass as they are."""
    plain = sys.stdout, sys.stderr
    with _Screen.over(plain[0]) as out, _Screen.over(plain[1]) as err:
        sys.stdout, sys.stderr = out, err
        try:
            yield
        finally:
            sys.stdout, sys.stderr = plain


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Return a progress bar on stderr, where that is a terminal. It moves the cursor, and holds no text."""
    from rich.console import Console  # here: most commands show no bar
    from rich.progress import Progress

    stderr = sys.stderr
    return Progress(
        *columns,
        console=Console(file=stderr.plain if isinstance(stderr, _Screen) else stderr),
        transient=True,
        redirect_stdout=False,  # what is printed meanwhile stays guarded
        redirect_stderr=False,
        disable=not stderr.isatty(),
    )


class Spelled:
    """Bytes of text on their way to a terminal, where they are spelled out like everything else."""

    def write(self, data: bytes, /) -> int:
        """Print the bytes as UTF-8."""
        sys.stdout.write(data.decode("utf-8", "backslashreplace"))
        return len(data)


class _Screen(io.TextIOWrapper):
    """A text stream that spells out what could steer a terminal."""

    plain: TextIO
    _own: re.Pattern[str]

    @classmethod
    @contextmanager
    def over(cls, plain: TextIO) -> Iterator[TextIO]:
        """Guard a stream; one without bytes under it, or guarded already, is left as it is."""
        buffer: IO[bytes] | None = getattr(plain, "buffer", None)
        if buffer is None or isinstance(plain, cls):
            with nullcontext(plain) as same:
                yield same
            return
        plain.flush()
        eager = getattr(plain, "line_buffering", False)
        screen = cls(buffer, encoding="utf-8", errors="backslashreplace", newline="", line_buffering=eager)
        screen.plain, screen._own = plain, re.compile(f"({_COLOR}|{_END})" if plain.isatty() else f"({_END})")
        try:
            yield screen
        finally:
            screen.flush()
            screen.detach()  # else the stream under it would be closed with this one

    def write(self, text: str, /) -> int:
        pieces = self._own.split(text)
        super().write("".join(piece if at % 2 else spelled(piece) for at, piece in enumerate(pieces)))
        return len(text)


def _without_suspects(text: str, shown: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(
        lambda found: shown(found[0]) if unicodedata.category(found[0]) in _HIDDEN else found[0],
        BLANK.sub(lambda found: shown(found[0]), text),
    )


def _escaped(letter: str) -> str:
    """Return the character as JSON escapes it: one beyond U+FFFF as the two halves of its surrogate pair."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
