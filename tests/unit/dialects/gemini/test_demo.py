"""The demo provider's answers are read as any other."""

from typing import Any

import orjson
import pytest

from gateway.dialects import SseEvent, demo_answer, read_completion, stream_reader

BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "one two"}]}]}


def answer(verb: str, body: dict[str, Any]) -> Any:
    return demo_answer("gemini", f"/v1beta/models/demo:{verb}", orjson.dumps(body), 7)


def test_a_whole_answer_is_a_completion() -> None:
    completion = read_completion("gemini.generate", answer("generateContent", BODY))
    assert (completion.model, completion.finish_reason) == ("demo", "STOP")
    assert completion.parts[0].text == "You said: one two"


def test_a_stream_is_one_too() -> None:
    reader = stream_reader("gemini.generate")
    assert reader is not None
    events: list[SseEvent] = answer("streamGenerateContent", BODY)
    for event in events:
        reader.read(event)
    reader.close()
    assert reader.completion().usage.output_tokens > 0


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("embedContent", {"content": {"parts": [{"text": "a"}]}}),
        ("batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "a"}]}}]}),
    ],
)
def test_vectors_have_no_parts(verb: str, body: dict[str, Any]) -> None:
    assert read_completion("gemini.embeddings", answer(verb, body)).parts == ()


def test_tokens_are_counted() -> None:
    assert answer("countTokens", BODY)["totalTokens"] > 0
