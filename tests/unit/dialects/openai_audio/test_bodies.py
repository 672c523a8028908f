"""What is to be spoken is a user's text; the speech is an attachment, unless it is text after all."""

import base64
import random

from gateway.dialects import OtherEvent, answers_media, json_event, read_media, read_prompt, stream_reader
from gateway.words import Attachment, Part, Usage

NOISE = random.Random(7).randbytes(504)


def test_a_text_and_how_it_is_spoken_are_told_apart() -> None:
    body = {
        "model": "m",
        "input": "hello",
        "instructions": "slowly",
        "voice": "alloy",
        "stream_format": "sse",
    }
    prompt = read_prompt("openai.audio", body)
    said = [(part.role, part.kind, part.text) for part in prompt.parts if part.place == "value"]
    assert said == [("user", "text", "hello"), ("system", "system", "slowly")]
    assert prompt.stream


def test_only_speech_is_answered_as_media() -> None:
    assert answers_media("openai.audio", "audio/mpeg")
    assert not answers_media("openai.audio", "text/html")
    assert not answers_media("openai.chat", "audio/mpeg")


def test_speech_is_an_attachment() -> None:
    for body in (b"\xff\xfb\x90" + NOISE, bytes(900)):
        completion = read_media(body, "audio/mpeg")
        assert (completion.parts, completion.attachments[0].bytes) == ((), len(body))


def test_text_that_is_called_audio_is_a_part_that_cannot_be_masked() -> None:
    completion = read_media(b"write to alice@example.com", "audio/mpeg")
    assert completion.parts == (Part("assistant", "text", "", "write to alice@example.com", "structural"),)
    assert completion.attachments == (Attachment("audio", "audio/mpeg", 26),)


def test_a_stream_has_pieces_of_speech() -> None:
    reader = stream_reader("openai.audio")
    assert reader is not None
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    events = [
        json_event({"type": "speech.audio.delta", "audio": base64.b64encode(NOISE).decode()}),
        json_event({"type": "speech.audio.done", "usage": usage}),
    ]
    items = [item for event in events for item in reader.read(event)] + reader.close()
    assert [part.text for item in items if isinstance(item, OtherEvent) for part in item.parts] == [
        "speech.audio.delta",
        "speech.audio.done",
    ]
    assert reader.completion().usage == Usage(3, 4)
