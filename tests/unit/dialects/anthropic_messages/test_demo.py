"""The demo provider's messages are read as any other."""

from typing import Any

from gateway.dialects import read_completion, stream_reader
from gateway.dialects.anthropic_messages.demo import demo

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "one two"}]}


def test_a_whole_answer_is_a_completion() -> None:
    answer = demo(BODY, 7)
    assert isinstance(answer, dict)
    completion = read_completion("anthropic.messages", answer)
    assert (completion.model, completion.finish_reason) == ("m", "end_turn")


def test_a_stream_is_one_too() -> None:
    reader = stream_reader("anthropic.messages")
    assert reader is not None
    for event in demo({**BODY, "stream": True}, 7):
        reader.read(event)  # type: ignore[arg-type]  # a stream was asked for
    reader.close()
    assert reader.completion().usage.output_tokens > 0
