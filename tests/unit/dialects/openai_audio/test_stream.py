"""A transcript streams as one text; the event that ends it says again what went out."""

from __future__ import annotations

import pytest

from gateway.dialects import ChannelEnd, Malformed, OtherEvent, SseEvent, TextDelta, json_event, stream_reader
from gateway.dialects.openai_audio.stream import AudioStream
from gateway.words import Usage

DONE = {"type": "transcript.text.done", "text": "Hi Bob", "usage": {"input_tokens": 1, "output_tokens": 2}}


def delta(text: object, **more: object) -> SseEvent:
    return json_event({"type": "transcript.text.delta", "delta": text, **more})


def test_a_transcript_is_one_text_that_its_end_repeats() -> None:
    reader = AudioStream()
    logprobs = [{"token": "Hi", "logprob": -1, "bytes": [72]}]
    around, first = reader.read(delta("Hi ", logprobs=logprobs, segment_id="s1"))
    (second,) = reader.read(delta("Bob", segment_id="s1"))
    end, done = reader.read(json_event({**DONE, "logprobs": logprobs}))

    assert isinstance(around, OtherEvent)
    assert [part.text for part in around.parts if part.pointer == "/segment_id"] == ["s1"]
    assert isinstance(first, TextDelta)
    assert isinstance(second, TextDelta)
    assert (first.part.text, second.part.text) == ("Hi ", "Bob")
    assert second.reshape("<P>") == delta("<P>", segment_id="s1") or "<P>" in second.reshape("<P>").data
    assert isinstance(end, ChannelEnd)
    assert isinstance(done, OtherEvent)
    assert done.repeats == {"/text": end.channel}
    assert "/text" not in [part.pointer for part in done.parts]
    assert "logprobs" not in str(done.document)
    assert reader.close() == []
    assert reader.completion().usage == Usage(1, 2)


def test_an_end_that_repeats_nothing_is_read() -> None:
    (done,) = AudioStream().read(json_event(DONE))

    assert isinstance(done, OtherEvent)
    assert not done.repeats
    assert [part.text for part in done.parts if part.place == "value"] == ["Hi Bob"]


def test_what_a_provider_adds_in_between_ends_no_text() -> None:
    reader = AudioStream()
    reader.read(delta("Hi "))
    assert not any(
        isinstance(item, ChannelEnd) for item in reader.read(json_event({"type": "x", "text": "y"}))
    )
    (more,) = reader.read(delta("Bob"))
    assert isinstance(more, TextDelta)


def test_segments_are_read_each_by_itself() -> None:
    reader = AudioStream()
    reader.read(delta("Hi "))
    (segment,) = reader.read(
        json_event({"type": "transcript.text.segment", "text": "Hi", "speaker": "A", "id": "s"})
    )

    assert isinstance(segment, OtherEvent)
    assert {part.text for part in segment.parts if part.kind == "text"} == {"Hi", "A"}


@pytest.mark.parametrize(
    "event",
    [
        *(delta(None), delta(["Hi"]), SseEvent("[]"), SseEvent("{}")),
        json_event({"type": "transcript.text.delta", "delta": "x"}, "transcript.text.done"),
        json_event({"type": "transcript.text.delta", "delta": "x", "tool_calls": [{"name": "f"}]}),
    ],
)
def test_another_event_is_malformed(event: SseEvent) -> None:
    with pytest.raises(Malformed):
        AudioStream().read(event)


def test_a_transcript_that_goes_on_behind_its_end_or_has_none_is_malformed() -> None:
    reader = stream_reader("openai.audio")
    assert reader is not None
    reader.read(delta("Hi"))
    with pytest.raises(Malformed):
        reader.close()
    reader.read(json_event(DONE))
    with pytest.raises(Malformed):
        reader.read(delta("more"))
