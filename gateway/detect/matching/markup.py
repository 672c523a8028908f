"""A text as it reads without markup inside of words: `jane<b>.roe</b>@acme.org` shows an address."""

from __future__ import annotations

import regex

from gateway.detect.matching.readings import Decoded

# What HTML sets on lines or in cells of their own: between two of these stand two values.
_BLOCKS = (
    r"(?:address|article|aside|blockquote|body|br|button|caption|center|dd|details|div|dl|dt|figure|footer|form"
    r"|h[1-6]|head|header|hr|html|iframe|img|input|legend|li|main|nav|ol|option|p|pre|script|section|select"
    r"|style|summary|svg|t(?:able|body|d|extarea|foot|h|head|itle|r)|ul|video)"
)
_INLINE = (
    r"(?:a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong"
    r"|sub|sup|time|tt|u|var|wbr)"
)
_REST = r"(?:[\s/][^<>]{0,256})?>"
_COMMENT = r"<!--[^<>]{0,256}?-->"
_HIDDEN = rf"(?:{_COMMENT}|</?(?i:{_INLINE}){_REST})"
# An element that HTML does not know, as long as text stands directly on both sides: data never has that.
_UNKNOWN = rf"</?(?!(?i:{_BLOCKS})[\s/>])[A-Za-z][\w:.\-]{{0,32}}{_REST}"
_EMPHASIS = r"(?:\*{2,3}|~~|`{1,3}|__|(?<!\d)\*|\*(?!\d))"
_LEFT, _RIGHT = r"(?<=[\w@.+\-])", r"(?=[\w@.+\-])"
_BESIDE_LEFT, _BESIDE_RIGHT = r"(?<=[\w@.+\- ])", r"(?=[\w@.+\- ])"
_UNFINISHED = r"<(?:!-{0,2}|!--[^<>]{0,256}|/?(?:[A-Za-z][\w:.\-]{0,32}(?:[\s/][^<>]{0,256})?)?)\Z"
_OPEN, _LONGEST = regex.compile(_LEFT + _UNFINISHED), 300
_MARKUP = regex.compile(
    rf"{_BESIDE_LEFT}(?:{_HIDDEN}|(?:\*{{2,3}}|~~|`)){{1,8}}+(?:{_BESIDE_RIGHT}|\Z)"
    rf"|{_LEFT}(?:{_UNKNOWN}|{_EMPHASIS})(?:{_RIGHT}|\Z)|{_LEFT}{_UNFINISHED}"
)
_MARKS = ("<", "*", "~", "`", "__")


def unmarked(text: str) -> Decoded | None:
    """Return the text without the markup that stands beside or between letters; None when it holds none.

    A tag that the end of the text cuts off counts too: a text that still grows is read the same way.
    """
    if not any(mark in text for mark in _MARKS):  # a fiftieth of what a pattern takes
        return None
    found = [(*mark.span(), "") for mark in _MARKUP.finditer(text)]
    return Decoded(text, found) if found else None


def open_markup(text: str) -> int:
    """Return where a tag or comment begins that more text may complete within a word, or -1."""
    found = _OPEN.search(text, max(0, len(text) - _LONGEST))
    return found.start() if found else -1
