"""Text is shown with nothing hidden, and times in words."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.http.console.rendering import masked, shown, until


@given(st.text())
def test_shown_text_hides_nothing_and_marked_text_is_the_same(text: str) -> None:
    plain = re.sub(r"</?mark>", "", str(masked(text)))
    assert html.unescape(plain) == html.unescape(html.escape(shown(text)))
    assert "<" not in plain
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", shown(text))


def test_time_left_is_said_in_words() -> None:
    assert [until(left, 0) for left in (0, 1, 59, 60, 7200, 86_400)] == [
        "no time left",
        "1 second left",
        "59 seconds left",
        "1 minute left",
        "2 hours left",
        "1 day left",
    ]
