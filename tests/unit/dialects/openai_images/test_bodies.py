"""A text is a user's; pictures are attachments, and what the model made of the text is its own."""

import base64
import random
from typing import Any

import pytest
from openai.types import ImagesResponse

from gateway.dialects import (
    Item,
    Malformed,
    OtherEvent,
    StreamReader,
    json_event,
    read_completion,
    read_prompt,
    stream_reader,
)
from gateway.words import Attachment, Usage

MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(504)).decode()
USAGE = {"input_tokens": 5, "output_tokens": 4160000, "total_tokens": 4160005}


def test_a_prompt_is_a_users_text() -> None:
    prompt = read_prompt("openai.images", {"model": "gpt-image-1", "prompt": "a cat", "n": 2, "stream": True})
    assert [(p.role, p.kind, p.text) for p in prompt.parts if p.place == "value"] == [
        ("user", "text", "a cat")
    ]
    assert (prompt.models, prompt.stream) == (("gpt-image-1",), True)


def test_pictures_to_edit_are_brought_named_or_fetched() -> None:
    images = [
        {"image_url": f"data:image/png;base64,{MEDIA}"},
        {"image_url": "https://pictures.example/cat.png"},
        {"file_id": "file-abc"},
    ]
    prompt = read_prompt(
        "openai.images", {"prompt": "a cat", "images": images, "mask": {"file_id": "file-b"}}
    )
    assert prompt.attachments == (Attachment("image", "image/png", 512),)
    assert prompt.unseen == ("file_id",)
    places = {part.text: part.place for part in prompt.parts}
    assert places == {
        "a cat": "value",
        **dict.fromkeys(("https://pictures.example/cat.png", "file-abc", "file-b"), "structural"),
    }


def test_pictures_are_attachments() -> None:
    document = {"created": 1763800000, "data": [{"b64_json": MEDIA, "revised_prompt": "cat"}], "usage": USAGE}
    ImagesResponse.model_construct(**document)
    completion = read_completion("openai.images", document)
    assert [(part.role, part.kind, part.text) for part in completion.parts] == [("assistant", "text", "cat")]
    assert completion.attachments == (Attachment("image", "", 512),)
    assert completion.usage == Usage(5, 4160000)


def event(kind: str, **more: Any) -> Any:
    return json_event(
        {"type": f"image_generation.{kind}", "b64_json": MEDIA, **more}, f"image_generation.{kind}"
    )


def drain(reader: StreamReader, events: list[Any]) -> list[Item]:
    return [item for one in events for item in reader.read(one)] + reader.close()


def test_a_stream_has_whole_pictures() -> None:
    reader = stream_reader("openai.images")
    assert reader is not None
    events = [event("partial_image", partial_image_index=0), event("completed", usage=USAGE)]
    items = drain(reader, events)
    assert [item.event for item in items if isinstance(item, OtherEvent)] == events
    assert reader.completion().usage == Usage(5, 4160000)


@pytest.mark.parametrize("events", [[event("partial_image")], [event("odd")], [event("completed")] * 2])
def test_what_no_stream_has_is_malformed(events: list[Any]) -> None:
    reader = stream_reader("openai.images")
    assert reader is not None
    with pytest.raises(Malformed):
        drain(reader, events)
