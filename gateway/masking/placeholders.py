"""How a placeholder is written, and the ways in which a model may write one back."""

from __future__ import annotations

from collections.abc import Iterator

import regex

# Case altered, and escaped for JSON, HTML, Markdown or a URL, also twice (JSON within JSON). Markdown's `\<`
# only together with its `\>`: in `DOMAIN\<PLACEHOLDER>` the backslash is the text's own.
_BODY = r"[A-Z](?:[A-Z0-9]|\\{0,3}_){1,63}\\{0,3}_[A-Z2-7]{6,52}"
_OPEN = r"(?:<|\\{1,7}(?:u003c|x3c)|&(?:amp;){0,2}(?:lt|\#0{0,4}60|\#x0{0,4}3c);|%(?:25)?3c)"
_CLOSE = r"(?:>|\\{1,7}(?:u003e|x3e)|&(?:amp;){0,2}(?:gt|\#0{0,4}62|\#x0{0,4}3e);|%(?:25)?3e)"
WRITTEN = rf"(?i:{_OPEN}{_BODY}{_CLOSE}|\\{{1,7}}<{_BODY}\\{{1,7}}>)"
"""A pattern for a placeholder however it is written; it has no groups."""

PLACEHOLDER = regex.compile(WRITTEN)
LONGEST = 400
"""Characters. No placeholder, however it is written, is longer."""

_FIRST = regex.compile(r"[<&\\%]")
_NAME = regex.compile(rf"(?:{_OPEN}|\\{{1,7}}<)({_BODY})", regex.IGNORECASE)


def canonical(written: str) -> str:
    """Return the placeholder as the vault writes it: `<EMAIL_ADDRESS_k7f3q2>`."""
    name = _NAME.match(written)
    assert name is not None
    entity, _, code = name[1].replace("\\", "").rpartition("_")
    return f"<{entity.upper()}_{code.lower()}>"


def may_hold(text: str) -> bool:
    """Return whether a placeholder may begin in the text: a quick no for most."""
    return _FIRST.search(text) is not None


def names_in(text: str) -> Iterator[str]:
    """Return every placeholder that a model could have meant in a text, as the vault would write it."""
    if may_hold(text):
        yield from (canonical(match.group()) for match in PLACEHOLDER.finditer(text))


def open_at(text: str, start: int) -> int:
    """Return where after `start` an unfinished placeholder begins; the text's length if nowhere."""
    at = max(start, len(text) - LONGEST)
    while match := PLACEHOLDER.search(text, at, partial=True):
        if match.partial:
            return int(match.start())
        at = match.end()
    return len(text)
