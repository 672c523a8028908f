"""The demo provider's chat completions are read as any other."""

from typing import Any

from gateway.dialects import read_completion, stream_reader
from gateway.dialects.openai_chat.demo import demo

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "one two"}]}


def test_a_whole_answer_is_a_completion() -> None:
    answer = demo(BODY, 7)
    assert isinstance(answer, dict)
    completion = read_completion("openai.chat", answer)
    assert (completion.model, completion.finish_reason) == ("m", "stop")
    assert "You said: one two" in [part.text for part in completion.parts]


def test_a_stream_is_one_too_with_usage_where_it_is_asked_for() -> None:
    events = demo({**BODY, "stream": True, "stream_options": {"include_usage": True}}, 7)
    reader = stream_reader("openai.chat")
    assert reader is not None
    for event in events:
        reader.read(event)  # type: ignore[arg-type]  # a stream was asked for
    reader.close()
    assert reader.completion().usage.output_tokens > 0
