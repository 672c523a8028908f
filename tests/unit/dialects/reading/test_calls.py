"""Tool calls: arguments are read in their plainest spelling, and calls in odd places are refused."""

import pytest

from gateway.dialects.reading.calls import (
    call_name,
    names_call,
    parse_arguments,
    plain_arguments,
    pointers_below,
    refuse_calls,
)
from gateway.dialects.reading.document import Malformed
from gateway.words import Part


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [("", {}), ('{"a": 1}', {"a": 1}), ("[1]", None), ('{"a": 1, "a": 2}', None), ('{"a"', None)],
)
def test_arguments_are_one_object_or_none(raw: str, arguments: object) -> None:
    assert parse_arguments(raw) == arguments


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (r'{"to": "a\u0040b.example"}', '{"to":"a@b.example"}'),
        ('{"n": 4.1e15}', '{"n":4100000000000000}'),
        (r'{"broken": "\u0040"', r'{"broken": "\u0040"'),
        ('{"n":  1}', '{"n":  1}'),
    ],
)
def test_only_what_is_spelled_oddly_is_written_anew(raw: str, plain: str) -> None:
    assert plain_arguments(raw) == plain


def test_pointers_below_are_those_of_the_value_and_its_leaves() -> None:
    parts = [Part("", "field", at, "x") for at in ("/a", "/a/b", "/ab", "/a/b")]
    assert pointers_below(parts, "/a") == ("/a", "/a/b")


@pytest.mark.parametrize("name", ["tool_use", "toolCalls", "computer_call", "mcp-call"])
def test_a_member_that_is_named_like_a_call_is_refused_unless_it_was_read(name: str) -> None:
    assert names_call(name)
    refuse_calls({name: [{}]}, name)
    refuse_calls({name: "text"})
    with pytest.raises(Malformed):
        refuse_calls({name: [{}]})


def test_a_call_has_a_name() -> None:
    assert call_name({"name": "f"}) == "f"
    with pytest.raises(Malformed):
        call_name({"name": None})
