"""URLs in plain text, and the words of placeholders in them."""

import pytest

from gateway.masking.urls import URL_OPENER, holds_word, host_follows, url_from, urls_in, word_around


@pytest.mark.parametrize(
    "text", ["https:x", "//host", r"\\host\share", "www.x", "a.example/", "?q=", "localhost:80/"]
)
def test_what_begins_a_url_is_told(text: str) -> None:
    assert URL_OPENER.search(text) is not None


def test_the_urls_of_a_text_come_without_their_punctuation() -> None:
    text = "see https://example.com/a, or www.example.org."
    assert urls_in(text) == {"https://example.com/a", "www.example.org"}
    assert url_from(text, 4, 15) == "https://example.com/a"


def test_a_host_behind_a_placeholder_is_seen() -> None:
    assert host_follows("<X_aaaaaa>.evil.example", 10)
    assert not host_follows("<X_aaaaaa>. Next", 10)


def test_a_word_is_looked_for_as_a_whole() -> None:
    text = "go to /users/<X_aaaaaa>/edit, please"
    start, end = word_around(text, text.index("<"), text.index(">") + 1)
    assert text[start:end] == "/users/<X_aaaaaa>/edit"
    assert holds_word(["go to /users/jane/edit."], "/users/jane/edit")
    assert not holds_word(["go to /users/jane/edits"], "/users/jane/edit")
