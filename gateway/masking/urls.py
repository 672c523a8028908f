"""What begins a URL in plain text, what makes a value a part of one, and the URLs that a prompt held."""

from __future__ import annotations

from collections.abc import Iterable

import regex

from gateway.masking.placeholders import WRITTEN

LOOK_AHEAD = 512

_SCHEMES = (
    "https?|wss?|ftps?|sftp|file|data|javascript|vbscript|livescript|mailto|tel|sms|mms|blob|about|intent|cid"
    "|view-source|ldaps?|smb|sips?|xmpp|skype|callto|facetime|whatsapp|magnet|webcal|geo"
)
_UNSEEN = r"\u00ad\u200b-\u200f\u2060-\u2064\ufeff"  # IDNA drops them from a host's name
_DOT = r"[.\u3002\uff0e\uff61]"  # IDNA reads all four as one
URL_OPENER = regex.compile(
    rf"(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):"  # browsers need no slashes: https:evil.example
    r"|[A-Za-z][A-Za-z0-9+.\-]{1,30}:\\{0,4}/"  # any scheme, also as :\/\/ inside JSON
    r"|//|\\/|/\\"  # //host
    # \\host\share, also as a string of code has it; a JSON text in a JSON string has \\n before its lines
    r"|(?<!\\)(?:\\\\[\w.\-%:\[\]]+[\\/](?!\\)|\\{4}[\w.\-%:\[\]]+(?:\\\\|/)(?!\\))"
    r"|(?<![A-Za-z0-9])www\."
    rf"|(?<![\w\-{_UNSEEN}])(?:[\w\-{_UNSEEN}]{{1,80}}{_DOT}){{1,8}}[^\W\d_][\w\-{_UNSEEN}]{{1,63}}(?::\d{{1,5}})?[/?#\uff0f\uff1f\uff03]"
    rf"|(?<![\d.])\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?::\d{{1,5}})?[/?#]"
    r"|\[[0-9a-f:.]{2,45}\](?::\d{1,5})?[/?#]"
    r"|\blocalhost(?::\d{1,5})?[/?#]"
    r"|[?&][\w.%\-\[\]]{1,64}="  # a query string
    r"|%(?:25){0,3}(?:3a|2f|3f|40|5c)"
    r"|&(?!\#0{0,4}6[02];|\#x0{0,4}3[ce];)(?:\#x?[0-9a-f]{2,6}|colon|sol|period|quest|commat);?|\\(?:u00|x)(?:3a|2f|5c|3f|40)"
    # an attribute whose tag did not come with it
    r"|\b(?:href|(?:image|dyn|low)?src|(?:image)?srcset|srcdoc|(?:form)?action|poster|background)=",
    regex.IGNORECASE,
)
"""A pattern for the beginning of a URL in a word; it matches 1,024 characters at most."""

MAY_OPEN_URL = regex.compile(r"[:/\\?#=&%\uff0f\uff1f\uff03]|(?<=www)\.", regex.IGNORECASE)
"""A pattern for what every opener has as its last character, or its first."""

IN_PATH = regex.compile(r"(?:/|\b[A-Za-z]:\\)[^\s,;|\"'`(){}\[\]<>=*]*\Z")
"""A pattern for the segments of a path that lead up to where the word has come."""

_TRAILING = ".,;:!?)]}*_~"
_AFTER = regex.compile(r"[ \t\n\f\r\"'`]")
_BEFORE = regex.compile(r"(?r)[ \t\n\f\r\"'`]")  # the nearest one, searched backwards
_LONGEST_HELD = 2048  # characters: a longer word is not looked for in the prompt
# The word goes on as a host name or an address: <PLACEHOLDER>.evil.example, <PLACEHOLDER>:x@evil.example
_HOST_AFTER = regex.compile(
    rf"(?:{WRITTEN}|[\w\-+%{_UNSEEN}])*+(?:\\{{0,7}}(?:{_DOT}|[@\uff20]|(?:u00|x)(?:2e|40))|%(?:25)?(?:2e|40)"
    rf"|&(?:amp;)?(?:period|commat|\#0{{0,4}}(?:46|64)|\#x0{{0,4}}(?:2e|40));)(?:{WRITTEN}|[\w<{_UNSEEN}])"
    r"|[-;:&=+$,.\w]*+@[\w\[]",
    regex.IGNORECASE,
)
_URL = regex.compile(
    rf"(?:(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):|[A-Za-z][A-Za-z0-9+.\-]{{1,30}}://|//|www\.)(?:{WRITTEN}|[^\s\"'<>`])*+",
    regex.IGNORECASE,
)


def host_follows(text: str, end: int) -> bool:
    """Return whether what ends at `end` is the first part of a host name or of an address."""
    return _HOST_AFTER.match(text, end, end + LOOK_AHEAD) is not None


def urls_in(text: str) -> set[str]:
    """Return the URLs of a text as they stand, without the punctuation that follows them."""
    return {match.group().rstrip(_TRAILING) for match in _URL.finditer(text)}


def url_from(text: str, start: int, at: int) -> str | None:
    """Return the URL that begins at `start`, when it reaches the offset `at`."""
    if at - start > _LONGEST_HELD:
        return None
    match = _URL.match(text, start, at + 2 * LOOK_AHEAD)
    if match is None or match.end() <= at or match.end() - at > LOOK_AHEAD:
        return None
    return str(match.group()).rstrip(_TRAILING)


def word_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the word of a placeholder is, between white space and quotes, without final punctuation.

    It is empty when the word is too long to be looked for in a prompt.
    """
    before = _BEFORE.search(text, max(0, start - _LONGEST_HELD), start)
    if before is None and start > _LONGEST_HELD:
        return start, start
    after = _AFTER.search(text, end, end + LOOK_AHEAD)
    first = before.end() if before else 0
    last = after.start() if after else end + LOOK_AHEAD
    return first, end + len(text[end:last].rstrip(_TRAILING))


def holds_word(texts: Iterable[str], word: str) -> bool:
    """Return whether one of the texts holds the word as a whole."""
    return any(_stands(text, word) for text in texts)


def _stands(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        after = text[end : end + LOOK_AHEAD].lstrip(_TRAILING)[:1]
        if (at == 0 or _AFTER.match(text, at - 1)) and (not after or _AFTER.match(after)):
            return True
        at = text.find(word, end)
    return False
