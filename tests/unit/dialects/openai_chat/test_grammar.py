"""Each word of chat completions is read as what it is: text of a role, syntax, or a number that counts."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_chat.grammar import REQUEST, RESPONSE, VOCABULARY
from gateway.words import Part


def parts_of(document: Any, grammar: Any = REQUEST) -> dict[str, Part]:
    return {part.pointer: part for part in grammar.read(document)[0] if part.place != "key"}


def test_each_role_has_its_kind_of_text() -> None:
    roles = ("system", "developer", "user", "assistant", "tool")
    found = parts_of({"messages": [{"role": role, "content": "hello"} for role in roles]})
    assert [
        (found[f"/messages/{at}/content"].role, found[f"/messages/{at}/content"].kind) for at in range(5)
    ] == [
        ("system", "system"),
        ("developer", "system"),
        ("user", "text"),
        ("assistant", "text"),
        ("tool", "tool_result"),
    ]


def test_the_name_of_an_author_can_be_masked_and_that_of_a_tool_cannot() -> None:
    call = {"type": "function", "function": {"name": "mail", "arguments": '{"to": "ana"}'}}
    found = parts_of({"messages": [{"role": "user", "name": "ana", "content": "", "tool_calls": [call]}]})
    assert (found["/messages/0/name"].place, found["/messages/0/name"].kind) == ("value", "field")
    at = "/messages/0/tool_calls/0/function"
    assert found[f"{at}/name"].place == "structural"
    assert (found[f"{at}/arguments"].place, found[f"{at}/arguments"].kind) == ("value", "tool_call")


def test_the_words_of_the_provider_are_structural() -> None:
    found = parts_of({"model": "gpt-4.1", "tool_choice": "auto", "user": "ana"})
    assert {pointer: part.place for pointer, part in found.items()} == {
        "/model": "structural",
        "/tool_choice": "structural",
        "/user": "value",
    }


def test_a_choice_speaks_for_the_assistant() -> None:
    found = parts_of(
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]}, RESPONSE
    )
    part = found["/choices/0/message/content"]
    assert (part.role, part.kind, part.text) == ("assistant", "text", "hello")


def test_tokens_with_probabilities_are_one_text() -> None:
    tokens = [
        {"token": token, "logprob": -0.5, "bytes": list(token.encode())} for token in ("ana", "@acme", ".org")
    ]
    found = parts_of({"choices": [{"index": 0, "logprobs": {"content": tokens}}]}, RESPONSE)
    part = found["/choices/0/logprobs/content"]
    assert (part.text, part.place) == ("ana@acme.org", "tokens")


def test_the_vocabulary_holds_the_words_of_both_directions() -> None:
    assert {"messages", "max_tokens", "choices", "logprob"} <= VOCABULARY
    assert "max_tokens" not in RESPONSE.words
    assert "choices" not in REQUEST.words
