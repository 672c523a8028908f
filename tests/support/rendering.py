"""What renderers make of an answer: the links of its HTML, and what a browser asks for."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from playwright.sync_api import Page, Route, sync_playwright

CHROMIUM = Path(os.environ.get("REGATE_CHROMIUM") or "/usr/bin/chromium")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
_INERT_ATTRIBUTES = frozenset(("alt", "title", "class", "align"))
_COLLECT = """() => {
  const found = [window.name];
  for (const element of document.querySelectorAll('*')) {
    for (const attribute of element.attributes) {
      if (!['alt', 'title', 'class', 'align'].includes(attribute.name)) found.push(attribute.value);
    }
    for (const name of ['href', 'src', 'action', 'target', 'currentSrc']) {
      if (typeof element[name] === 'string') found.push(element[name]);
    }
    if (element.form && element.name !== undefined) found.push(String(element.value));
  }
  for (const frame of document.querySelectorAll('iframe')) found.push(frame.name);
  return found;
}"""


def rendered(text: str) -> list[str]:
    """Return the text as HTML: by CommonMark, by GitHub's Markdown, and as HTML that it is already."""
    made = [MarkdownIt(preset, {"html": html}).render(text) for preset, html in _DIALECTS]
    return [*dict.fromkeys((*made, text))]


_DIALECTS = (("commonmark", True), ("gfm-like", True), ("gfm-like", False))


def places(html: str) -> list[str]:
    """Return the values of all attributes but those that only say something to readers."""
    reader = _Attributes()
    with contextlib.suppress(
        AssertionError
    ):  # Python's reader gives up on `<![a`, which browsers read as a comment
        reader.feed(html)
        reader.close()
    return reader.found


def gives_away(value: str, place: str, own: str) -> bool:
    """Return whether a place that a client may act on holds the value, however it is spelled there.

    What goes to the host of the value `own` itself gives nothing to others.
    """
    spelled = unquote(unquote(place)).casefold()
    is_own = re.fullmatch(rf"(?:mailto:|https?://)[^/?#\\]*{re.escape(own)}/?", spelled) is not None
    return value.casefold() in spelled and spelled != value.casefold() and not is_own


class Browser:
    """A page of Chromium that reaches nothing, and remembers what it wanted to reach."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._asked: list[str] = []
        page.context.route("**/*", self._note)

    def wanted(self, html: str) -> list[str]:
        """Return every URL that the HTML makes the browser ask for, and every place it could go to."""
        self._asked.clear()
        self._page.set_content(html, wait_until="domcontentloaded")
        found: list[str] = self._page.evaluate(_COLLECT)
        return [*self._asked, *found]

    def _note(self, route: Route) -> None:
        self._asked.append(route.request.url)
        route.abort()


@contextmanager
def browser() -> Iterator[Browser]:
    """Open a browser for several documents."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_ARGUMENTS)
        try:
            yield Browser(chromium.new_page())
        finally:
            chromium.close()


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found += [value for name, value in attrs if value and name not in _INERT_ATTRIBUTES]
