"""The demo provider says the last user text."""

from gateway.dialects.reading.echo import echo, estimated_tokens, split_words


def test_it_says_the_last_user_text_whatever_its_shape() -> None:
    blocks = [{"type": "text", "text": "two"}, {"type": "image"}, {"text": "lines"}]
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": blocks}, {"role": "tool"}]
    assert echo({"messages": messages}) == "You said: two\nlines"
    assert echo({}) == "You said: "


def test_words_together_are_the_text() -> None:
    assert split_words("a  b ") == ["a ", " ", "b ", ""]
    assert estimated_tokens({"a": "b"}, "12345678") == (2, 2)
