"""The built-in demo provider answers with a response as the SDK knows it."""

from __future__ import annotations

from openai.types.responses import Response

from gateway.dialects.openai_responses.bodies import read_completion
from gateway.dialects.openai_responses.demo import demo
from gateway.dialects.openai_responses.stream import ResponseStream


def test_it_says_the_last_user_text_again() -> None:
    items = [{"role": "user", "content": "a"}, {"role": "user", "content": [{"text": "b"}]}]
    for said, heard in (("hello", "hello"), (items, "b"), (None, "")):
        answer = demo({"model": "m", "input": said}, 7)
        assert isinstance(answer, dict)
        answer["usage"]["input_tokens_details"]["cache_write_tokens"] = 0
        response = Response.model_validate(answer)
        assert (response.output_text, response.id) == (f"You said: {heard}", "resp_demo7")


def test_its_stream_ends_with_the_whole() -> None:
    events = demo({"model": "m", "input": "hello there", "stream": True}, 1)
    assert isinstance(events, list)
    reader = ResponseStream()
    for event in events:
        reader.read(event)
    assert reader.close() == []
    whole = demo({"model": "m", "input": "hello there"}, 1)
    assert reader.completion().finish_reason == read_completion(whole).finish_reason == "completed"
