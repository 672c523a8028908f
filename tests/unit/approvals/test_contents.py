"""What people read of an approval."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.approvals import ContentEntry, as_lines, pages
from gateway.approvals.contents import PAGE_CHARACTERS, decode, encode

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.lists(st.builds(ContentEntry, st.just("text"), _TEXTS, _TEXTS, _TEXTS), max_size=5))
def test_entries_come_back_as_they_were(entries: list[ContentEntry]) -> None:
    """Encoding loses nothing that UTF-8 can hold."""
    assert decode(encode(tuple(entries))) == tuple(entries)


def test_a_long_text_is_read_on_several_pages() -> None:
    """No character is left out."""
    text = "x" * (2 * PAGE_CHARACTERS + 1)
    found = pages((ContentEntry("text", "user", "/messages/0", text),))
    assert len(found) == 3
    assert "".join(entry.text for page in found for entry in page) == text


def test_a_heading_is_one_line() -> None:
    """A name cannot begin a line of its own."""
    entry = ContentEntry("tool", "send\nmail", "", "text")
    assert entry.heading == "offered tool send mail"
    assert as_lines((entry,)).splitlines() == ["offered tool send mail: text"]
