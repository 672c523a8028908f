"""The choices of a stream are passed on one after the other."""

from gateway.dialects import Item, OtherEvent
from gateway.dialects.openai_chat.stream import OpenAIStream
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import TextDelta
from gateway.dialects.reading.turns import Turns


def chunk(index: int, text: str, finish: str | None = None) -> SseEvent:
    choice = f'{{"index": {index}, "delta": {{"content": "{text}"}}, "finish_reason": {finish or "null"}}}'
    return SseEvent(f'{{"id": "x", "object": "chat.completion.chunk", "choices": [{choice}]}}')


def test_a_choice_waits_until_the_one_before_it_is_over() -> None:
    reader, turns, out = OpenAIStream(), Turns(), list[Item]()
    assert reader is not None
    stop = '"stop"'
    events = [chunk(0, "a"), chunk(1, "b"), chunk(0, "c"), chunk(1, "d", stop), chunk(0, "e", stop)]
    told = []
    for event in events:
        out += turns.order(reader.read(event))
        told.append("".join(item.part.text for item in out if isinstance(item, TextDelta)))
    assert told == ["a", "a", "ac", "ac", "acebd"]
    out += turns.order(reader.read(SseEvent("[DONE]"))) + turns.close()
    assert isinstance(out[-1], OtherEvent)
    assert out[-1].document is None
