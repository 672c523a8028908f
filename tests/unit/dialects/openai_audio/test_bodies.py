"""What is to be spoken is a user's text; the speech is an attachment, unless it is text after all."""

import base64
import random

from gateway.dialects import (
    OtherEvent,
    answers_media,
    find,
    json_event,
    read_completion,
    read_media,
    read_prompt,
    stream_reader,
)
from gateway.dialects.reading.form import FormBody
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


def test_a_transcript_is_what_the_model_says() -> None:
    document = {
        "task": "transcribe",
        "language": "en",
        "text": "call Bob",
        "segments": [{"id": 0, "text": "call Bob", "tokens": [50364, 1234567], "speaker": "A"}],
        "words": [{"word": "call", "start": 0.1}, {"word": "Bob", "end": 0.123456789}],
        "logprobs": [{"token": "call", "logprob": -0.123456789, "bytes": [99]}, {"token": " Bob"}],
        "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45},
    }
    completion = read_completion("openai.audio", document)

    said = {part.pointer: part.text for part in completion.parts if part.kind == "text"}
    assert said == {
        "/text": "call Bob",
        "/segments/0/text": "call Bob",
        "/segments/0/speaker": "A",
        "/words": "call Bob",
        "/words/0/word": "call",
        "/words/1/word": "Bob",
        "/logprobs": "call Bob",
    }
    assert completion.usage == Usage(14, 45)


def test_a_recording_is_an_attachment_and_its_prompt_a_text() -> None:
    parts = {
        "file": b"ID3\0\xff",
        "prompt": b"names",
        "model": b"m",
        "stream": b"True",
        "temperature": b"0.2",
    }
    raw = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b'; filename="a"' if name == "file" else b"", value)
        for name, value in parts.items()
    )
    prompt = find("openai.audio").read_form(FormBody(raw + b"--b--", "multipart/form-data; boundary=b"))

    assert [(part.role, part.kind, part.text) for part in prompt.parts if part.pointer == "/prompt"] == [
        ("user", "text", "names")
    ]
    assert [one.kind for one in prompt.attachments] == ["audio"]
    assert (prompt.model, prompt.models, prompt.stream) == ("m", ("m",), True)
    assert {part.text for part in prompt.parts if part.place == "structural"} >= {"m", "0.2"}
