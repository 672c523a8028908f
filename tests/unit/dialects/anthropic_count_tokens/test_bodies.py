"""Tokens are counted of the prompt that would be sent, and counting costs none."""

from typing import Any

from anthropic.types import MessageTokensCount

from gateway.dialects import read_completion, read_prompt
from gateway.dialects.anthropic_count_tokens.bodies import demo
from gateway.words import Usage

BODY: dict[str, Any] = {
    "model": "claude-opus-4-5",
    "system": "s",
    "messages": [{"role": "user", "content": "hello"}],
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
}


def test_the_prompt_is_that_of_a_message() -> None:
    assert read_prompt("anthropic.count_tokens", BODY) == read_prompt("anthropic.messages", BODY)


def test_a_count_is_neither_a_part_nor_usage() -> None:
    document = {"input_tokens": 4155552671, "context_management": {"original_input_tokens": 7654321}}
    completion = read_completion("anthropic.count_tokens", document)
    assert completion.parts == ()
    assert completion.usage == Usage()


def test_the_demo_provider_counts() -> None:
    assert MessageTokensCount.model_validate(demo(BODY, 1)).input_tokens > 0
