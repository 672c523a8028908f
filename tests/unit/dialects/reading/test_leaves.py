"""The walk over a document: every string, key and long number is a part, labeled by the grammar."""

import pytest

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.leaves import (
    Grammar,
    counted,
    digits,
    free,
    labeled,
    messages,
    sealed,
    structural,
    url,
)

GRAMMAR = Grammar(
    frozenset(
        ["messages", "role", "content", "type", "id", "any", "tool", "link", "usage", "secret", "words"]
    ),
    {
        **dict.fromkeys(("role", "type", "id"), structural),
        "any": free,
        "tool": labeled("tool_definition"),
        "usage": counted,
        "link": url,
        "secret": sealed("encrypted", "box"),
        "messages": messages({"user": ("user", "text")}),
    },
)


def read(document: object) -> list[tuple[str, str, str, str]]:
    return [(one.role, one.kind, one.pointer, one.place) for one in GRAMMAR.read(document)[0]]


def test_a_message_is_labeled_by_its_own_role() -> None:
    said = {"role": "user", "content": "hi", "link": "https://example.com"}
    assert read({"messages": [said, {"role": "odd", "content": "x"}, "bare"]}) == [
        ("user", "field", "/messages/0/role", "structural"),
        ("user", "text", "/messages/0/content", "value"),
        ("user", "field", "/messages/0/link", "value"),
        ("", "field", "/messages/1/role", "structural"),
        ("", "field", "/messages/1/content", "value"),
        ("", "field", "/messages/2", "value"),
    ]


def test_an_unknown_key_is_a_part_and_so_is_all_below_it() -> None:
    assert read({"odd": {"a": 1234567, "b": True}}) == [
        ("", "field", "/odd", "key"),
        ("", "field", "/odd/a", "key"),
        ("", "field", "/odd/a", "number"),
        ("", "field", "/odd/b", "key"),
    ]


def test_numbers_count_from_seven_digits_and_what_is_counted_never_does() -> None:
    assert read({"words": 1234567, "content": 123456}) == [("", "field", "/words", "structural")]
    assert read({"usage": {"words": 99999999, "odd": 1}}) == [("", "field", "/usage/odd", "key")]


def test_a_word_in_another_case_is_malformed() -> None:
    with pytest.raises(Malformed):
        GRAMMAR.read({"Content": "x"})


def test_a_sealed_leaf_is_exempt_in_its_own_type_only() -> None:
    leaf = "q" * 8
    assert [one.kind for one in GRAMMAR.read({"type": "box", "secret": leaf})[1]] == ["encrypted"]
    assert GRAMMAR.read({"type": "bag", "secret": leaf})[1] == ()


@pytest.mark.parametrize(
    ("number", "text"), [(7, "7"), (4.1e15, "4100000000000000"), (1e-7, "0.0000001"), (2.0, "2")]
)
def test_digits_are_plain(number: float, text: str) -> None:
    assert digits(number) == text
