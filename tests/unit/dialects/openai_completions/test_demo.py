"""The demo provider's completions are read as any other."""

from gateway.dialects import read_completion, stream_reader
from gateway.dialects.openai_completions.demo import demo


def test_a_whole_answer_is_a_completion() -> None:
    completion = read_completion("openai.completions", demo({"model": "m", "prompt": ["one two"]}, 7))
    assert "You said: one two" in [part.text for part in completion.parts]


def test_a_stream_is_one_too() -> None:
    reader = stream_reader("openai.completions")
    assert reader is not None
    for event in demo({"model": "m", "prompt": "one two", "stream": True}, 7):
        reader.read(event)  # type: ignore[arg-type]  # a stream was asked for
    reader.close()
    assert reader.completion().finish_reason == "stop"
