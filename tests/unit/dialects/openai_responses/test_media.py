"""Media is exempt where the schema has it, and nowhere else."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from gateway.dialects.openai_responses.bodies import read_completion, read_prompt
from gateway.dialects.openai_responses.grammar import RESPONSE
from gateway.words import Attachment

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(504)).decode()
URL = f"data:image/png;base64,{PNG}"
PICTURE = Attachment("image", "image/png", 512)


@pytest.mark.parametrize(
    ("item", "attachment"),
    [
        ({"role": "user", "content": [{"type": "input_image", "image_url": URL}]}, PICTURE),
        (
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": URL}},
            PICTURE,
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_data": PNG}]},
            Attachment("file", "", 512),
        ),
        (
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}],
            },
            Attachment("audio", "audio/wav", 512),
        ),
        ({"type": "image_generation_call", "result": PNG}, Attachment("image", "", 512)),
        ({"type": "compaction", "encrypted_content": PNG}, Attachment("encrypted", "", 512)),
        ({"type": "skill", "source": {"type": "base64", "data": PNG}}, Attachment("file", "", 512)),
    ],
)
def test_media_is_an_attachment(item: dict[str, Any], attachment: Attachment) -> None:
    prompt = read_prompt({"input": [item]})
    assert prompt.attachments == (attachment,)
    assert all(PNG not in part.text for part in prompt.parts) or item["type"] == "skill"


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": [{"type": "input_text", "image_url": URL}]},
        {"role": "user", "content": [{"type": "input_text", "file_data": PNG}]},
        {"role": "user", "input_audio": {"data": PNG}},
        {"type": "program_output", "result": PNG},
        {"type": "message", "encrypted_content": PNG},
    ],
)
def test_elsewhere_it_is_a_part_like_any_other(item: dict[str, Any]) -> None:
    prompt = read_prompt({"input": [item]})
    assert prompt.attachments == ()
    assert any(PNG in part.text for part in prompt.parts)


def test_text_in_base64_is_read() -> None:
    data = base64.b64encode(b"write to alice@example.com").decode()
    parts = read_prompt({"input": [{"content": [{"type": "input_file", "file_data": data}]}]}).parts
    assert ("structural", "write to alice@example.com") in {(part.place, part.text) for part in parts}


def test_pieces_of_audio_and_partial_images_are_exempt() -> None:
    audio = {"type": "response.audio.delta", "delta": PNG}
    image = {"type": "response.image_generation_call.partial_image", "partial_image_b64": PNG}
    for event in (audio, image):
        parts, attachments = RESPONSE.read(event)
        assert len(attachments) == 1
        assert all(PNG not in part.text for part in parts)
    assert read_completion({"output": []}).attachments == ()
