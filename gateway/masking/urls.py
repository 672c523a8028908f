"""Where in a text a URL is: a value restored there would be sent to whoever the text names.

A text is read in pieces, and a stream decides as a whole text does. In doubt a place counts as a URL: a
placeholder that stays does less harm than a value that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import regex

from gateway.masking.placeholders import WRITTEN

LOOK_BACK = 65536
LOOK_AHEAD = 512

_SCHEMES = (
    "https?|wss?|ftps?|sftp|file|data|javascript|vbscript|livescript|mailto|tel|sms|mms|blob|about|intent|cid"
    "|view-source|ldaps?|smb|sips?|xmpp|skype|callto|facetime|whatsapp|magnet|webcal|geo"
)
_UNSEEN = r"\u00ad\u200b-\u200f\u2060-\u2064\ufeff"  # IDNA drops them from a host's name
_DOT = r"[.\u3002\uff0e\uff61]"  # IDNA reads all four as one
# The text of a URL up to here has no white space in it, unless it stands in quotes.
_RUNNING = regex.compile(
    rf"(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):"  # browsers need no slashes: https:evil.example
    r"|[A-Za-z][A-Za-z0-9+.\-]{1,30}:\\{0,4}/"  # any scheme, also as :\/\/ inside JSON
    r"|//|\\/|/\\"  # //host
    r"|(?<![A-Za-z0-9])www\."
    rf"|(?<![\w\-{_UNSEEN}])(?:[\w\-{_UNSEEN}]{{1,80}}{_DOT}){{1,8}}[^\W\d_][\w\-{_UNSEEN}]{{1,63}}(?::\d{{1,5}})?[/?#\uff0f\uff1f\uff03]"
    rf"|(?<![\d.])\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?::\d{{1,5}})?[/?#]"
    r"|\[[0-9a-f:.]{2,45}\](?::\d{1,5})?[/?#]"
    r"|\blocalhost(?::\d{1,5})?[/?#]"
    r"|[?&][\w.%\-\[\]]{1,64}="  # a query string
    r"|%(?:25){0,3}(?:3a|2f|3f|40|5c)"
    r"|&(?!\#0{0,4}6[02];|\#x0{0,4}3[ce];)(?:\#x?[0-9a-f]{2,6}|colon|sol|period|quest|commat);?|\\(?:u00|x)(?:3a|2f|5c|3f|40)",
    regex.IGNORECASE,
)
# Link targets by their mark-up, whatever they hold: (opener, what the target ends at).
_TARGETS = (
    (regex.compile(rf"\]\(\s{{0,8}}(?!{WRITTEN})<"), regex.compile(r"\n")),
    (regex.compile(r"\]\(\s{0,8}"), regex.compile(r"\s")),
    (regex.compile(rf"\]:\s{{0,8}}(?!{WRITTEN})<"), regex.compile(r"\n")),
    # a reference definition; code (`{[key]: "…"}`) has a quote there
    (regex.compile(r"\]:\s{0,8}+(?![\"'`])"), regex.compile(r"\s")),
    # an autolink of any scheme, which a tag's bracket ends but not a placeholder's
    (regex.compile(r"<[A-Za-z][A-Za-z0-9+.\-]{1,31}:"), regex.compile(r"\s|(?<!_[A-Za-z2-7]{6,52}\\{0,7})>")),
    (regex.compile(r"\burl\(\s{0,8}", regex.I), regex.compile(r"[)\n]")),
    (regex.compile(r"\burl\s{0,4}=\s{0,4}", regex.I), regex.compile(r"[\"'\n>]")),
)
_ATTRIBUTE = regex.compile(
    r"\b(?:href|(?:image|dyn|low)?src|(?:image)?srcset|srcdoc|action|formaction|poster|background|ping|cite|longdesc"
    r"|manifest|codebase|classid|usemap)\s{0,8}=\s{0,8}(?:\\?([\"']))?",
    regex.IGNORECASE,
)
_QUOTES = {"'": regex.compile("'"), '"': regex.compile('"')}
# A URL in quotes may hold white space and ends at its quote, if what follows is what follows a string; one
# without ends at white space, whatever quotes it holds.
_QUOTED = {quote: regex.compile(rf"\n|{quote}(?=[,}}\]):;>\s\\])") for quote in ("'", '"', "`")}
_SPACE = regex.compile(r"\s")
_BEFORE = regex.compile(r"(?r)[\s\"'`]")  # the nearest one, searched backwards
_MAY_OPEN = regex.compile(r"[:/\\?#=&%\uff0f\uff1f\uff03]|ww?\.|^\.")  # every opener ends with one of these
_AFTER = regex.compile(r"[\s\"'`]")
_LAST_SPACE = regex.compile(r"(?r)\s")
_BATCH = 2048  # characters that are read at a time
_LONGEST_SPACED = 64  # characters: of the openers that may hold white space
_LONGEST_OPENER = 1024  # characters: no opener of a URL is longer
_LONGEST_HELD = 2048  # characters: a longer URL is not looked for in the prompt
_LEAD = 16  # characters that an opener looks ahead
# the word goes on as a host name or an address: <PLACEHOLDER>.evil.example, <PLACEHOLDER>@evil.example
_HOST_AFTER = regex.compile(
    rf"(?:{WRITTEN}|[\w\-+%{_UNSEEN}])*+(?:\\{{0,7}}(?:{_DOT}|[@\uff20]|(?:u00|x)(?:2e|40))|%(?:25)?(?:2e|40)"
    rf"|&(?:amp;)?(?:period|commat|\#0{{0,4}}(?:46|64)|\#x0{{0,4}}(?:2e|40));)(?:{WRITTEN}|[\w<{_UNSEEN}])",
    regex.IGNORECASE,
)
_URL = regex.compile(
    rf"(?:(?<![A-Za-z0-9+.\-])(?:{_SCHEMES}):|[A-Za-z][A-Za-z0-9+.\-]{{1,30}}://|//|www\.)(?:{WRITTEN}|[^\s\"'<>`])*+",
    regex.IGNORECASE,
)
_TRAILING = ".,;:!?)]}*_~"


class Place:
    """Where a text that is read in pieces has come to: whether a URL or a link's target runs there.

    Of all that have begun and not ended it knows the first of each way to end, so that the cost of a text is
    linear. Pieces may be cut anywhere.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, str | int], int] = {}  # the way it ends: where it begins
        self._unread = ""
        self._tail = ""  # of what was read: an opener may begin in it
        self._at = 0  # where the tail begins
        self._delimiter = ""  # the last before the tail
        self._word = 0  # where the word began

    def read(self, text: str) -> None:
        """Go on over a piece of the text."""
        self._unread += text
        while len(self._unread) >= 2 * _BATCH:
            space = _SPACE.search(self._unread, _BATCH, 2 * _BATCH)
            end = space.end() if space else 2 * _BATCH
            # what opens at the very end is left for when it is known what follows
            self._advance(self._unread[:end], margin=_LEAD)
            self._unread = self._unread[end:]

    def url_start(self) -> int:
        """Where the URL begins that goes on here (which may be here); -1 for none."""
        self._advance(self._unread, margin=0)
        self._unread = ""
        here = self._at + len(self._tail)
        # a word that long is no prose, and its beginning is out of sight
        endless = [self._word] if here - self._word >= LOOK_BACK else []
        return min([*self._open.values(), *endless], default=-1)

    def _advance(self, text: str, *, margin: int) -> None:
        known, text = len(self._tail), self._tail + text
        for way in [way for way in self._open if _end_of(way).search(text, known)]:
            del self._open[way]
        for start, end, way in self._openers(text):
            if end <= len(text) - margin and not _end_of(way).search(text, start):
                self._open[way] = min(self._at + start, self._open.get(way, self._at + start))
        if space := _LAST_SPACE.search(text, known):
            self._word = self._at + space.end()
        self._keep(text)

    def _openers(self, text: str) -> Iterator[tuple[int, int, tuple[str, str | int]]]:
        """From where on each opener's URL runs, where the opener ends, and what ends the URL."""
        for match in _RUNNING.finditer(text, overlapped=True):
            before = _BEFORE.search(text, 0, match.start())
            quote = (before.group() if before else self._delimiter).strip()
            yield match.start(), match.end(), ("running", quote)
        for index, (opener, _) in enumerate(_TARGETS):
            for match in opener.finditer(text, overlapped=True):
                yield match.end(), match.end(), ("target", index)
        for match in _ATTRIBUTE.finditer(text, overlapped=True):
            yield match.end(), match.end(), ("attribute", match.group(1) or "")

    def _keep(self, text: str) -> None:
        """Keep the last word, and no less than what an opener with white space in it takes up."""
        before = _BEFORE.search(text)
        first = min(before.start() if before else 0, max(0, len(text) - _LONGEST_SPACED))
        # no opener has a closing bracket in it, and none is longer
        first = max(first, text.rfind(">") + 1, len(text) - _LONGEST_OPENER)
        if before := _BEFORE.search(text, 0, first):
            self._delimiter = before.group()
        self._tail = text[first:]
        self._at += first


class Word:
    """The word that a text has come to, with the values restored in it.

    A value may make it the beginning of a URL: `<CONNECTION_STRING_…><EMAIL_ADDRESS_…>` is two values, and
    the first may be of the model's own choosing.
    """

    def __init__(self) -> None:
        self._word = ""
        self._holds_value = self._is_url = self._is_new = False

    def read(self, text: str, *, is_value: bool = False) -> None:
        """Go on over a piece of the text."""
        if before := _BEFORE.search(text):
            self._word, self._holds_value, self._is_url, self._is_new = "", False, False, False
            text = text[before.end() :]
        self._word += text
        self._holds_value |= is_value
        self._is_new |= _MAY_OPEN.search(text) is not None
        if len(self._word) > 2 * _LONGEST_OPENER:
            self._is_url = self.is_url
            self._word = self._word[-_LONGEST_OPENER:]

    @property
    def is_url(self) -> bool:
        """Whether a value is in it, and what may begin a URL."""
        if self._holds_value and self._is_new and not self._is_url:
            self._is_url = _RUNNING.search(self._word) is not None
            self._is_new = (
                _MAY_OPEN.search(self._word[-_LEAD:]) is not None
            )  # an opener of which half is there
        return self._is_url


def word_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The word that a placeholder stands in, between white space and quotes, without final punctuation.

    Nothing of a word that is too long to be looked for in a prompt.
    """
    before = _BEFORE.search(text, max(0, start - _LONGEST_HELD), start)
    if before is None and start > _LONGEST_HELD:
        return start, start
    after = _AFTER.search(text, end, end + LOOK_AHEAD)
    first = before.end() if before else 0
    last = after.start() if after else end + LOOK_AHEAD
    return first, end + len(text[end:last].rstrip(_TRAILING))


def holds_word(texts: Iterable[str], word: str) -> bool:
    """Whether one of the texts holds the word as a whole."""
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


def host_follows(text: str, end: int) -> bool:
    """Whether what ends at `end` is the first part of a host name or of an address."""
    return _HOST_AFTER.match(text, end, end + LOOK_AHEAD) is not None


def urls_in(text: str) -> set[str]:
    """The URLs of a text as they stand, without the punctuation that follows them."""
    return {match.group().rstrip(_TRAILING) for match in _URL.finditer(text)}


def url_around(text: str, start: int, at: int) -> str | None:
    """The URL from `start`, when it is one that reaches the offset `at`."""
    if at - start > _LONGEST_HELD:
        return None
    match = _URL.match(text, start, at + 2 * LOOK_AHEAD)
    if match is None or match.end() <= at or match.end() - at > LOOK_AHEAD:
        return None
    return str(match.group()).rstrip(_TRAILING)


def _end_of(way: tuple[str, str | int]) -> regex.Pattern[str]:
    kind, mark = way
    if isinstance(mark, int):
        return _TARGETS[mark][1]
    return (_QUOTED if kind == "running" else _QUOTES).get(mark, _SPACE)
