"""What is embedded is a user's text; what comes back are numbers."""

from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from gateway.dialects import read_completion, read_prompt
from gateway.dialects.reading.document import Malformed
from gateway.words import Attachment, Usage


def answer(embedding: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    usage = {"prompt_tokens": 8765432, "total_tokens": 8765432}
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}


@pytest.mark.parametrize(
    ("given", "at"), [("said", "/input"), (["said"], "/input/0"), ([["said"]], "/input/0/0")]
)
def test_the_input_is_said_by_a_user(given: Any, at: str) -> None:
    prompt = read_prompt("openai.embeddings", {"model": "m", "input": given, "dimensions": 3072})
    said = [part for part in prompt.parts if part.text == "said"]
    assert [(part.role, part.kind, part.pointer, part.place) for part in said] == [
        ("user", "text", at, "value")
    ]
    assert (prompt.model, prompt.models) == ("m", ("m",))


def test_token_ids_are_not_parts() -> None:
    prompt = read_prompt("openai.embeddings", {"model": "m", "input": [[9906, 1917], [4]]})
    assert [part.text for part in prompt.parts] == ["m"]
    assert prompt.attachments == (Attachment("tokens", "", 8), Attachment("tokens", "", 4))


def test_an_answer_has_its_usage_and_no_numbers() -> None:
    document = answer([0.0023064255, -0.009327292])
    CreateEmbeddingResponse.model_validate(document)
    completion = read_completion("openai.embeddings", document)
    assert {part.place for part in completion.parts} == {"structural"}
    assert (completion.model, completion.usage) == ("text-embedding-3-small", Usage(8765432, 0))


def test_an_error_is_read_and_costs_nothing() -> None:
    completion = read_completion("openai.embeddings", {"error": {"message": "no such alice@example.com"}})
    assert [part.text for part in completion.parts] == ["no such alice@example.com"]
    assert completion.usage == Usage()


def test_a_tool_call_in_an_answer_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_completion("openai.embeddings", {**answer([]), "tool_calls": [{"name": "f"}]})
