"""Characters that a model reads and people do not see, although Unicode calls them letters, marks or symbols.

A hidden order can be spelled in them: a byte each in variation selectors, a bit each in joiners.
"""

from __future__ import annotations

import re

_BLANK = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff"
)
# One selector behind a symbol makes an emoji of it, or none; a keycap is a digit, the selector and a frame.
_EMOJI = "(?<=[©®\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]|\ufe0f\u20e3"
# Persian, Indic scripts and emoji are written with joiners, Latin letters are not.
_JOINS = "(?<![^\\0-\u024f\u2000-\u200f\u2028-\u202f])[\u200c\u200d]"

BLANK = re.compile(f"(?!{_EMOJI})[{_BLANK}]")
LOOSE_JOINER = re.compile(_JOINS)
_LINE_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def indented(text: str) -> str:
    """Return the text with each of its lines but the first moved to the right."""
    return _LINE_BREAK.sub("\n    ", text)
