r"""Values that the end of a line cuts, as a terminal, a mail or a shell wraps them.

Example: `… pay with 4111 11⏎> 11 1111 1111, by Friday`

    1. cut        `4111 11⏎> 11 1111 1111`: digits, a break, digits
    2. stretch    `… pay with 4111 1111 1111 1111`: the line up to there, without the break
    3. findings   a card over the break, as an offset in the text as it was written

Two lines are mostly two things. Only what has check digits, a fixed format or a name counts over a break, and
only where the first line does not end in a whole value.
"""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import regex

from gateway.detect.matching.patterns import Deadline, InspectionLate
from gateway.detect.matching.prefilter import Candidates
from gateway.detect.matching.readings import Decoded
from gateway.words import Match

_SURE = 0.75
# A quoted-printable line ends in `=`, a shell's in a backslash; a mail quotes with `>`, a box has bars.
BREAK = r"[=\\]?\r?\n[>|│ \t]{0,8}"
_BREAKS = re.compile(BREAK)
_ISSUED = (
    r"(?<![A-Za-z0-9])(?:sk-|[sr]k_(?:live|test)_|gh[opsru]_|github_pat_|gl(?:pat|rt|ptt|dt|soat)-|xox[abeoprs]-|xapp-"
    r"|A[KS]IA|AIza|GOCSPX-|ya29\.|hf_|npm_|pypi-|SG\.|shp(?:at|ca|pa|ss)_|do[opr]_v1_|dapi|lin_api_|PMAK-|dckr_pat_"
    r"|hvs\.|glsa_|sq0[a-z]{3}-|NRAK-|gsk_|r8_|whsec_|eyJ|AGE-SECRET-KEY-1|rg_)"
)
_TOKEN = r"[A-Za-z0-9_\-./+]"  # noqa: S105 - the characters of one
_TIME = r"1[4-9]\d{8}(?:\d{3}){0,3}(?!\d)|(?:19|20)\d\d[-./]?[01]\d"  # what a line of a log begins with
# No name of a setting, no date, no other key, no word.
_MORE = rf"(?!{_ISSUED}|{_TIME})(?={_TOKEN}{{0,512}}(?:\d|[a-z][A-Z])){_TOKEN}{{3,512}}+(?![=:(\[])"
_KEY = regex.compile(
    rf"{_ISSUED}{_TOKEN}{{0,512}}(?:{BREAK}{_MORE}){{1,32}}+|(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{{0,15}}{BREAK}[A-Z0-9]{{1,16}}(?![A-Za-z0-9])"
)
_DIGITS = regex.compile(
    rf"\d(?<![\w.,;|/]\d)(?<!\d:\d)[\d \-().]{{0,24}}{BREAK}-?(?!{_TIME})\d[\d \-.]{{0,24}}(?<=\d)(?![\w/|]|[,;:.]\S)"
)
# An address cut in its domain, a URL cut in its credentials.
_ADDRESS = regex.compile(
    rf"@[\w.\-]{{0,64}}{BREAK}\w\S{{0,255}}|://[^\s@/]{{0,128}}{BREAK}[^\s@/]{{0,128}}@\S{{1,255}}"
)
WRAPPED = (_KEY, _DIGITS, _ADDRESS)
_GROUPED = re.compile(r"\d[ \-]\d")
_LETTER = re.compile(r"[^\W\d_]")
_CONTEXT = 128  # characters before a cut that may name the value or begin it
_LONG, _FULL = 40, 60  # characters of a line that may be wrapped, and of one that looks so
_LEAST, _MOST = 9, 19  # digits of a number that is cut
_GOES_ON = re.compile(rf"[>|│ \t]{{0,8}}(?:{_TOKEN}{{0,512}}|[\d \-]{{0,32}})\Z")
_OPEN_WINDOW = 2048


def find_wrapped(
    candidates: Candidates,
    written: Sequence[Match],
    inspect: Callable[[str], Sequence[Match]],
    deadline: Deadline,
) -> Iterator[Match]:
    """Yield what goes over the end of a line and is not among the matches of the text as it is `written`."""
    text = candidates.text
    for pattern in WRAPPED if "\n" in text else ():
        for cut in candidates.matches(pattern, deadline):
            first = text.rfind("\n", max(0, cut.start() - _CONTEXT), cut.start()) + 1
            start = max(first, cut.start() - _CONTEXT)
            breaks = [one.span() for one in _BREAKS.finditer(text, *cut.span())]
            end = breaks[0][0]
            if not _may_be_one(text[start:end], cut):
                continue
            is_full = pattern is _KEY and end - first >= _FULL
            if not is_full and any(one.start < end <= one.end for one in written if one.score >= _SURE):
                continue
            reading = Decoded(text[start : cut.end()], [(a - start, b - start, "") for a, b in breaks])
            for span in inspect(reading.text):
                first, last = start + reading.source(span.start), start + reading.source_end(span.end)
                if first < end < last and _counts(span):
                    yield replace(span, start=first, end=last)


def open_wrap(text: str, deadline: Deadline) -> int:
    """Return where a value begins that the next line may go on with; the text's length if none does."""
    line = text.rfind("\n") + 1
    if not line or not _GOES_ON.match(text, line):
        return len(text)
    window, end = max(0, len(text) - _OPEN_WINDOW), len(text.rstrip())
    return min(
        next((cut.start() for cut in _cuts(one, text, window, deadline) if cut.end() >= end), len(text))
        for one in WRAPPED
    )


def _cuts(pattern: regex.Pattern[str], text: str, at: int, deadline: Deadline) -> Iterator[regex.Match[str]]:
    """Yield what is cut or may have been, when more text comes. Raises InspectionFailed."""
    try:
        yield from pattern.finditer(text, at, partial=True, timeout=deadline.left())
    except TimeoutError as error:
        raise InspectionLate("a detection pattern did not finish in time") from error


def _may_be_one(line: str, cut: regex.Match[str]) -> bool:
    """Return whether the line, up to the break, may be cut: digits in a table and short lines are not."""
    if cut.re is _DIGITS:
        count = sum(map(str.isdigit, cut.group()))
        is_long = len(line) >= _LONG or _GROUPED.search(cut.group()) is not None
        return is_long and _LEAST <= count <= _MOST and _LETTER.search(line) is not None
    return cut.re is _KEY or len(line) >= _LONG


def _counts(span: Match) -> bool:
    """Return whether it cannot be there by chance."""
    return span.score >= _SURE or span.entity == "US_SSN"
