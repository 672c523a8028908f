"""What may still be completed at the end of a text: the patterns that have begun there."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from gateway.detect.matching.heads import heads
from gateway.detect.matching.parsed import parsed
from gateway.detect.matching.pattern_tree import NoOpening, as_bytes
from gateway.detect.matching.patterns import Deadline, InspectionLate
from gateway.detect.matching.scanner import Expression, open_scanner

# A phrase that is not complete after this many characters is not waited for in a stream.
_LONGEST_HOLD = 256
_WIDTH = 5  # characters by which a match is told to have begun; what is narrower is always tried


class Beginnings:
    """Patterns, each of which may have begun. Several threads may ask at once."""

    def __init__(self, patterns: Sequence[regex.Pattern[str]]) -> None:
        # only the first place counts; in Chinese every one may be the folded head of a phrase
        found = zip(patterns, parsed(patterns, _head, bytes), strict=True)
        expressions = {pattern: Expression(head, once=True) for pattern, head in found}
        self._scanner = open_scanner([one for one in expressions.values() if one.source])
        numbers = self._scanner.numbers if self._scanner else {}
        self._patterns = [(pattern, numbers.get(one)) for pattern, one in expressions.items()]

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Return where the first match begins that more text may complete; the text's length when none does.

        Raises InspectionFailed.
        """
        window = max(0, len(text) - _LONGEST_HOLD)
        tail = max(window, len(text) - _WIDTH + 1)
        ends = self._scanner.ends(as_bytes(text[window:])) if self._scanner else {}
        at = len(text)
        for pattern, number in self._patterns:
            begun = window
            if number is not None:
                begun = min([tail, *(window + run[0] - _WIDTH for run in ends.get(number, ()))])
            at = min(at, _open_at(pattern, text, begun, deadline))
        return at


def _head(pattern: regex.Pattern[str]) -> bytes:
    try:
        return heads(pattern, _WIDTH)
    except NoOpening:
        return b""


def _open_at(pattern: regex.Pattern[str], text: str, at: int, deadline: Deadline) -> int:
    try:
        while at < len(text):
            match = pattern.search(text, pos=at, partial=True, timeout=deadline.left())
            if match is None:
                break
            if match.partial:
                return int(match.start())
            at = max(match.end(), match.start() + 1)
    except TimeoutError as error:
        raise InspectionLate("a detection pattern did not finish in time") from error
    return len(text)
