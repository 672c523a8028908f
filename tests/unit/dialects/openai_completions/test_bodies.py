"""A text goes in as a user's, and what follows it comes out as the assistant's."""

from typing import Any

import pytest
from openai.types import Completion as OpenAICompletion

from gateway.dialects import Malformed, read_completion, read_prompt
from gateway.words import Attachment, Parameters, Usage


def answer(**choice: Any) -> dict[str, Any]:
    document = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1763800000,
        "model": "m",
        "choices": [{"index": 0, "text": "said", "logprobs": None, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
    }
    OpenAICompletion.model_construct(**document)
    return document


@pytest.mark.parametrize("prompt", ["a", ["a"]])
def test_a_prompt_is_a_users_text(prompt: Any) -> None:
    read = read_prompt("openai.completions", {"model": "m", "prompt": prompt, "suffix": "z"})
    said = [(part.role, part.kind, part.text) for part in read.parts if part.place == "value"]
    assert said == [("user", "text", "a"), ("user", "text", "z")]


def test_token_ids_are_an_attachment() -> None:
    assert read_prompt("openai.completions", {"prompt": [1, 2]}).attachments == (Attachment("tokens", "", 8),)


def test_every_prompt_of_a_batch_has_its_choices() -> None:
    body = {"prompt": ["a", "b"], "n": 3, "max_tokens": 5, "temperature": 0.5}
    assert read_prompt("openai.completions", body).parameters == Parameters(5, 0.5, 6)
    assert read_prompt("openai.completions", {"prompt": [1, 2]}).parameters.n == 1


def test_a_completion_is_the_assistants_text() -> None:
    completion = read_completion("openai.completions", answer())
    assert [(p.role, p.kind) for p in completion.parts if p.text == "said"] == [("assistant", "text")]
    assert (completion.finish_reason, completion.usage) == ("stop", Usage(12, 34))


def test_token_probabilities_are_joined() -> None:
    logprobs = {
        "tokens": ["ali", "ce@x.example"],
        "token_logprobs": [-0.12345678, -1.0],
        "top_logprobs": [{"ali": -0.12345678}],
        "text_offset": [0, 3],
    }
    parts = read_completion("openai.completions", answer(logprobs=logprobs)).parts
    told = [(part.text, part.place) for part in parts]
    assert {("alice@x.example", "tokens"), ("ali", "tokens")} <= set(told)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"choices": {}},
        {"choices": ["x"]},
        answer(text=7),
        answer(message={"content": "x"}),
        answer(tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]),
    ],
)
def test_what_no_completion_has_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("openai.completions", document)
