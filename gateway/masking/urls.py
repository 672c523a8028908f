"""Where in a text a URL is: a value restored there would be sent to whoever the text names.

Every rule looks back a bounded number of characters, so that a stream decides as a whole text does. In doubt
a place counts as a URL: a placeholder that stays does less harm than a value that leaves.
"""

from __future__ import annotations

from bisect import bisect_left

import regex

LOOK_BACK = 65536
LOOK_AHEAD = 512
_NAME = r"<[A-Z][A-Z0-9_]{1,63}_[a-z2-7]{6,52}>"
PLACEHOLDER = regex.compile(_NAME)

_SCHEMES = (
    "https?|wss?|ftps?|sftp|file|data|javascript|vbscript|mailto|tel|sms|blob|about|intent|view-source|cid"
    "|ldaps?|smb"
)
# The text of a URL up to here has no white space in it, unless it stands in quotes.
_RUNNING = regex.compile(
    rf"(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):"  # browsers need no slashes: https:evil.example
    r"|[A-Za-z][A-Za-z0-9+.\-]{1,30}:\\{0,2}[/\\]"  # any scheme, also as :\/\/ inside JSON
    r"|//|\\/|/\\"  # //host
    r"|(?<![A-Za-z0-9])www\."
    r"|(?<![A-Za-z0-9\-])(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z][A-Za-z0-9\-]{1,23}(?::\d{1,5})?[/?#]"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?[/?#]"
    r"|\blocalhost(?::\d{1,5})?[/?#]"
    r"|[?&][\w.%\-\[\]]{1,64}="  # a query string
    r"|%(?:3a|2f|3f|40|5c)|&(?:\#x?[0-9a-f]{2,6}|colon|sol|period|quest|commat);?|\\(?:u00|x)(?:3a|2f|5c|3f|40)",
    regex.IGNORECASE,
)
# Link targets by their mark-up, whatever they hold: (opener, what the target ends at).
_TARGETS = (
    (regex.compile(r"\]\(\s{0,8}<(?![A-Z][A-Z0-9_]{1,63}_[a-z2-7]{6,52}>)"), regex.compile(r"\n")),
    (regex.compile(r"\]\(\s{0,8}"), regex.compile(r"\s")),
    (regex.compile(r"\]:\s{0,8}<(?![A-Z][A-Z0-9_]{1,63}_[a-z2-7]{6,52}>)"), regex.compile(r"\n")),
    # a reference definition; code (`{[key]: "…"}`) has a quote there
    (regex.compile(r"\]:\s{0,8}+(?![\"'`])"), regex.compile(r"\s")),
    # an autolink of any scheme, which a tag's bracket ends but not a placeholder's
    (regex.compile(r"<[A-Za-z][A-Za-z0-9+.\-]{1,31}:"), regex.compile(r"\s|(?<!_[a-z2-7]{6,52})>")),
    (regex.compile(r"\burl\(\s{0,8}", regex.I), regex.compile(r"[)\n]")),
    (regex.compile(r"\burl\s{0,4}=\s{0,4}", regex.I), regex.compile(r"[\"'\n>]")),
)
_ATTRIBUTE = regex.compile(
    r"\b(?:href|src|srcset|srcdoc|action|formaction|poster|background|ping|cite|longdesc|manifest)\s{0,8}=\s{0,8}(?:\\?([\"']))?",
    regex.IGNORECASE,
)
_QUOTES = {"'": regex.compile("'"), '"': regex.compile('"')}
_SPACE = regex.compile(r"\s")
_BEFORE = regex.compile(r"(?r)[\s\"'`]")  # the nearest one, searched backwards
_LEAD = 16  # what an opener may take up before the line that its target stands on
# the word goes on as a host name or an address: <PLACEHOLDER>.evil.example, <PLACEHOLDER>@evil.example
_HOST_AFTER = regex.compile(
    r"(?:[\w\-+%]|<[A-Z][A-Z0-9_]{1,63}_[a-z2-7]{6,52}>)*+(?:[.@。．｡]|%2e|%40)[\w<]", regex.IGNORECASE
)
_URL = regex.compile(
    rf"(?:(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):|[A-Za-z][A-Za-z0-9+.\-]{{1,30}}://|//|www\.)(?:(?-i:{_NAME})|[^\s\"'<>`])*+",
    regex.IGNORECASE,
)
_TRAILING = ".,;:!?)]}*_~"


class Openers:
    """Everything in a text that may begin a URL or a link's target, found once for all its placeholders."""

    def __init__(self, text: str, start: int = 0) -> None:
        """Those from `start` on."""
        self._text = text
        self._running = [match.start() for match in _RUNNING.finditer(text, start, overlapped=True)]
        self._targets = sorted(
            (match.end(), index)
            for index, (opener, _) in enumerate(_TARGETS)
            for match in opener.finditer(text, start, overlapped=True)
        )
        self._attributes = sorted(
            (match.end(), match.group(1) or "") for match in _ATTRIBUTE.finditer(text, start, overlapped=True)
        )

    def url_start(self, at: int) -> int:
        """Where the URL begins that the offset `at` lies in (`at` when it begins there); -1 for none."""
        text, low = self._text, max(0, at - LOOK_BACK)
        line = max(low, text.rfind("\n", low, at) + 1 - _LEAD)
        running = self._running[bisect_left(self._running, line) : bisect_left(self._running, at)]
        starts = [start for start in running if _runs(text, start, at)]
        for end, index in self._targets[bisect_left(self._targets, (line, 0)) :]:
            if end > at:
                break
            if not _TARGETS[index][1].search(text, end, at):
                starts.append(end)
        # only an attribute's value goes on over the end of a line
        for end, quote in self._attributes[bisect_left(self._attributes, (low, "")) :]:
            if end > at:
                break
            if not _QUOTES.get(quote, _SPACE).search(text, end, at):
                starts.append(end)
        if at - low == LOOK_BACK and not _SPACE.search(text, low, at):
            starts.append(low)  # a word that long is no prose, and its beginning is out of sight
        return min(starts, default=-1)


def host_follows(text: str, end: int) -> bool:
    """Whether what ends at `end` is the first part of a host name or of an address."""
    return _HOST_AFTER.match(text, end, end + LOOK_AHEAD) is not None


def urls_in(text: str) -> set[str]:
    """The URLs of a text as they stand, without the punctuation that follows them."""
    return {match.group().rstrip(_TRAILING) for match in _URL.finditer(text)}


def url_around(text: str, start: int, at: int) -> str | None:
    """The URL from `start`, when it is one that reaches the offset `at`."""
    match = _URL.match(text, start)
    if match is None or match.end() <= at or match.end() - at > LOOK_AHEAD:
        return None
    return str(match.group()).rstrip(_TRAILING)


def _runs(text: str, start: int, at: int) -> bool:
    """Whether a URL that begins at `start` still runs at `at`.

    One in quotes may hold white space and ends at its quote, if what follows is what follows a string; one
    without ends at white space, whatever quotes it holds.
    """
    before = _BEFORE.search(text, max(0, at - LOOK_BACK), start)
    quote = before.group() if before else ""
    if quote in ("'", '"', "`"):
        ends = regex.compile(rf"\n|{quote}(?=[,}}\]):;>\s\\])")
        return ends.search(text, start, at) is None
    return _SPACE.search(text, start, at) is None
