"""From data to HTML: the templates, the filters that show hostile text, and the headers of every answer."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from gateway.blanks import BLANK, LOOSE_JOINER

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # not no-referrer: forms would then send Origin: null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# A placeholder in masked text. A look-alike that an agent wrote is marked too; the mark alone means nothing.
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]{1,60}(?:_[a-z2-7]{6,26})?>")
_GRAVITY = {"low": 1, "medium": 2, "high": 3, "critical": 4}
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SUSPECT = re.compile(r"[^\n\t -~\u200c\u200d]")  # scripts and emoji are written with the last two


class Templates:
    """The pages' templates, compiled once."""

    def __init__(self) -> None:
        self._templates = environment()

    async def answer(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a page, off the event loop because a prompt may be long."""
        body = await asyncio.to_thread(self._templates.get_template(template).render, values)
        return Response(body, status, HEADERS, media_type="text/html")


def environment(*folders: Path) -> Environment:
    """Return the templates of these folders and of the console, with the filters that show hostile text."""
    templates = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).with_name("templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        finalize=lambda value: "" if value is None else value,  # what is not known
        lstrip_blocks=True,
    )
    templates.filters.update(
        text=isolated, plain=shown, masked=masked, moment=moment, until=until, took=took, gravest=gravest
    )
    return templates


def shown(text: object) -> str:
    """Spell out the invisible characters of a text: an approver must see what a model would read.

    Direction marks could otherwise reorder a line, as in Trojan Source (CVE-2021-42574).
    """
    said = "" if text is None else str(text)
    if said.isascii() and said.isprintable():
        return said
    for blanks in (BLANK, LOOSE_JOINER):
        said = blanks.sub(lambda found: _code(found[0]), said)
    return _SUSPECT.sub(_named, said)


def isolated(text: object) -> Markup:
    """Return the text as HTML, isolated so that its direction does not affect what stands beside it."""
    return Markup("<bdi>{}</bdi>").format(shown(text))


def masked(text: str) -> Markup:
    """Return the text as HTML with its placeholders marked."""
    pieces, last = [], 0
    for found in _PLACEHOLDER.finditer(text):
        pieces += [escape(shown(text[last : found.start()])), Markup("<mark>"), escape(found[0])]
        pieces.append(Markup("</mark>"))
        last = found.end()
    return Markup("").join([*pieces, escape(shown(text[last:]))])


def gravest(reasons: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reasons, the most severe first."""
    return sorted(reasons, key=lambda reason: _GRAVITY.get(reason["severity"], 0), reverse=True)


def moment(time: str | float | None, short: bool = False) -> Markup:
    """Show a point in time in UTC; `short` where the heading says UTC."""
    at = _read(time)
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}{'' if short else ' UTC'}"
    )


def until(time: float, now: float) -> str:
    """Say in words how much time is left."""
    left = int(time - now)
    if left <= 0:
        return "no time left"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if left >= seconds:
            count = left // seconds
            return f"{count} {unit}{'' if count == 1 else 's'} left"
    return f"{left} second{'' if left == 1 else 's'} left"


def took(milliseconds: float | None) -> str:
    """Show a duration in milliseconds, or in seconds from one second on."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _named(found: re.Match[str]) -> str:
    letter = found[0]
    return _code(letter) if unicodedata.category(letter) in _UNSEEN else letter


def _code(letter: str) -> str:
    return f"⟨U+{ord(letter):04X}⟩"


def _read(time: str | float | None) -> datetime | None:
    if time is None or time == "":
        return None
    if isinstance(time, str):
        return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(UTC)
    return datetime.fromtimestamp(time, UTC)
