"""Which places of a response are syntax, counted, or free."""

from __future__ import annotations

import pytest

from gateway.dialects import Malformed
from gateway.dialects.openai_responses.grammar import REQUEST, RESPONSE


def places(document: dict[str, object], *, response: bool = False) -> dict[str, str]:
    parts = (RESPONSE if response else REQUEST).read(document)[0]
    return {f"{part.pointer}{'#' if part.place == 'key' else ''}": part.place for part in parts}


def test_the_code_of_a_call_is_text_and_that_of_an_error_is_syntax() -> None:
    items = [{"type": "code_interpreter_call", "code": "1"}]
    found = places({"output": items, "error": {"code": "bad", "message": "m"}}, response=True)
    assert (found["/output/0/code"], found["/error/code"], found["/error/message"]) == (
        "value",
        "structural",
        "value",
    )


def test_tokens_are_joined_in_answers_only() -> None:
    content = [{"type": "output_text", "text": "hi", "logprobs": [{"token": "h"}, {"token": "i"}]}]
    answered = places({"output": [{"type": "message", "content": content}]}, response=True)
    assert answered["/output/0/content/0/logprobs"] == "tokens"
    asked = places({"input": [{"role": "assistant", "content": content}]})
    assert asked["/input/0/content/0/logprobs/1/token"] == "value"


def test_what_callers_write_freely_has_keys_that_are_parts() -> None:
    found = places(
        {"metadata": {"a": 1234567}, "tools": [{"type": "mcp", "headers": {"x-key": "v"}}], "odd": 1}
    )
    assert found["/metadata/a#"] == found["/tools/0/headers/x-key#"] == found["/odd#"] == "key"
    assert found["/metadata/a"] == "number"


def test_a_word_in_another_case_is_malformed() -> None:
    with pytest.raises(Malformed):
        places({"Input": "x"})
