"""Gemini's API takes its words in two spellings; both are read alike."""

import pytest

from gateway.dialects import read_prompt
from gateway.dialects.gemini.grammar import both, camel

CAMEL = {
    "systemInstruction": {"parts": [{"text": "s"}]},
    "contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"q": "x"}}}]}],
    "generationConfig": {"maxOutputTokens": 7, "responseJsonSchema": {"title": "t"}},
    "cachedContent": "cachedContents/c",
}
SNAKE = {
    "system_instruction": {"parts": [{"text": "s"}]},
    "contents": [{"role": "model", "parts": [{"function_call": {"name": "f", "args": {"q": "x"}}}]}],
    "generation_config": {"max_output_tokens": 7, "response_json_schema": {"title": "t"}},
    "cached_content": "cachedContents/c",
}


def test_both_spellings_are_one() -> None:
    plain = [
        (part.role, part.kind, part.text, part.place) for part in read_prompt("gemini.generate", CAMEL).parts
    ]
    snake = read_prompt("gemini.generate", SNAKE)
    assert [(part.role, part.kind, part.text, part.place) for part in snake.parts] == plain
    assert snake.parameters.max_tokens == 7


@pytest.mark.parametrize("key", ["systemInstruction", "contents", "uri", "topK"])
def test_a_key_is_the_same_after_a_round_trip(key: str) -> None:
    assert {camel(one) for one in both(frozenset((key,)))} == {key}
