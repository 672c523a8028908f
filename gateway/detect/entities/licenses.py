"""License headers of source code, by the SPDX id of the license that they name.

Example: `Copyright (c) 2026 Acme Corp. Licensed under the Acme Source License.` names no license that SPDX
lists, so it counts as `LicenseRef-other`; a header of the Apache License counts as `Apache-2.0`. Those ids
are marks that `detect.licenses` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import regex

from gateway.detect.matching.beginnings import Beginnings
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Match

_GAP = r"[\s*#/;]{1,12}+"  # words of a comment, over the end of a line
_LICENSED = (
    rf"\blicen[sc]ed{_GAP}(?:to{_GAP}\w{{1,20}}+{_GAP})?under{_GAP}(?:the{_GAP})?"
    rf"(?:terms{_GAP}of{_GAP}(?:the{_GAP})?)?[^\n]{{2,80}}+"
)
_SPDX = r"\bSPDX-License-Identifier:[ \t]{0,4}+[\w.+\-() ]{2,80}+"
_HEADER, _LINE = (regex.compile(one, regex.IGNORECASE) for one in (_LICENSED, _SPDX))
# In a stream the title may go on until its line ends.
_BEGUN = [regex.compile(rf"{one}\n", regex.IGNORECASE) for one in (_LICENSED, _SPDX)]
_COPYRIGHT = re.compile(r"copyright|\(c\)|©", re.IGNORECASE)
_NEAR = 500  # characters: a header says whose it is before it says under what
_ID = re.compile(r"[\w.+\-]+")
_OPERATORS = frozenset(("and", "or", "with"))
_CALLED = re.compile(r"licen[sc]e|\beula\b|agreement|\bterms\b", re.IGNORECASE)
_OTHER = "LicenseRef-other"
_SCORE = 0.8
_VERSION = re.compile(r"\D{0,40}?([0-9](?:\.[0-9])?)")
# What headers call a license, and its SPDX id; `{}` is the version. The first that fits counts.
_NAMES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(name, re.IGNORECASE), spdx, usual)
    for name, spdx, usual in (
        (r"Apache", "Apache-{}", "2.0"),
        (r"\bAffero|\bAGPL", "AGPL-{}", "3.0"),
        (r"\bLesser\s+General|\bLGPL", "LGPL-{}", "2.1"),
        (r"\bGeneral\s+Public|\bGPL", "GPL-{}", "2.0"),
        (r"\b0BSD\b|\bZero-Clause BSD", "0BSD", ""),
        (r"\bBSD[ -]2|\bSimplified BSD|\b2-Clause BSD", "BSD-2-Clause", ""),
        (r"\bBSD\b", "BSD-3-Clause", ""),
        (r"\bMIT\b|\bX11\b", "MIT", ""),
        (r"\bMozilla|\bMPL", "MPL-{}", "2.0"),
        (r"\bEclipse", "EPL-{}", "2.0"),
        (r"\bEuropean Union Public|\bEUPL", "EUPL-{}", "1.2"),
        (r"\bBusiness Source|\bBUSL", "BUSL-{}", "1.1"),
        (r"\bServer Side Public|\bSSPL", "SSPL-1.0", ""),
        (r"\bElastic License", "Elastic-{}", "2.0"),
        (r"\bBoost", "BSL-1.0", ""),
        (r"\bISC\b", "ISC", ""),
        (r"\bzlib\b", "Zlib", ""),
        (r"\bUnlicense\b", "Unlicense", ""),
        (r"\bCC0\b", "CC0-1.0", ""),
        (r"\bCreative Commons|\bCC[ -]BY", "CC-BY-{}", "4.0"),
        (r"\bCommon Development|\bCDDL", "CDDL-{}", "1.0"),
        (r"\bArtistic", "Artistic-{}", "2.0"),
        (r"\bPython Software|\bPSF\b", "PSF-2.0", ""),
        (r"\bOpenSSL", "OpenSSL", ""),
        (r"\bPostgreSQL", "PostgreSQL", ""),
        (r"\bWTFPL", "WTFPL", ""),
        (r"\bUnicode", "Unicode-3.0", ""),
        (r"\bsame (?:terms|licen[sc]e)|\bpublic domain", "NONE", ""),
    )
)


class Licenses:
    """The licenses whose headers are marks of code that stays in the house."""

    def __init__(self, marked: Sequence[str], off: Sequence[str]) -> None:
        """Take globs over SPDX ids, in any case."""
        self._marked = tuple(one.lower() for one in marked) if "CODE_MARKER" not in off else ()
        self.patterns = [_HEADER, _LINE] if self._marked else []
        self._beginnings = Beginnings(_BEGUN if self._marked else ())

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
        """Yield every header of a license that is marked."""
        for pattern in self.patterns:
            for match in candidates.matches(pattern, deadline):
                ids = _ids(match) if pattern is _LINE else _named(match)
                if any(fnmatchcase(one.lower(), mark) for one in ids for mark in self._marked):
                    end = match.start() + len(match.group().rstrip(" .*/#"))
                    yield Match("CODE_MARKER", "code", _SCORE, match.start(), end)

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Return where the first header begins that more text may complete; the length when none does."""
        return self._beginnings.open_at(text, deadline)


def _ids(match: regex.Match[str]) -> list[str]:
    """Return the licenses of an SPDX expression."""
    said = match.group().partition(":")[2]
    return [one for one in _ID.findall(said) if one.lower() not in _OPERATORS]


def _named(match: regex.Match[str]) -> list[str]:
    """Return the license that a header names by its title; none where it is no header."""
    start = match.start()
    if not _COPYRIGHT.search(match.string, max(0, start - _NEAR), start):
        return []
    said = match.group()[len("licensed ") :]
    found = [(name.search(said), spdx, usual) for name, spdx, usual in _NAMES]
    for at, spdx, usual in found:
        if at:
            version = _VERSION.match(said, at.end()) if usual else None
            number = version[1] if version else usual
            return [spdx.format(number if "." in number else f"{number}.0")]
    return [_OTHER] if _CALLED.search(said) else []
