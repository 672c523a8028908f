"""A chunk is cut into pieces: what stands around a text is looked at before the text goes out."""

from typing import Any

from gateway.dialects.openai_completions.stream import TextChunks
from gateway.dialects.reading.chunks import ChunkStream
from gateway.dialects.reading.stream import Item, OtherEvent, TextDelta, json_event


def read(*documents: dict[str, Any]) -> list[Item]:
    reader = ChunkStream(TextChunks())
    return [item for one in documents for item in reader.read(json_event(one))]


def chunk(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "text": text}], **more}


def test_the_envelope_is_a_part_once() -> None:
    first, *rest = read(chunk("a"), chunk("b"), chunk("c"))
    assert isinstance(first, OtherEvent)
    assert "m" in [part.text for part in first.parts]
    assert [item.part.text for item in rest if isinstance(item, TextDelta)] == ["a", "b", "c"]
    assert len(rest) == 3


def test_what_a_later_chunk_adds_is_a_part_of_its_own() -> None:
    *_, last = read(chunk("a"), chunk("b", note="alice@example.com"))
    assert isinstance(last, OtherEvent)
    assert "alice@example.com" in [part.text for part in last.parts]


def test_a_text_is_reshaped_in_the_form_of_its_chunk() -> None:
    item = read(chunk("a"))[1]
    assert isinstance(item, TextDelta)
    assert '"text":"MASK"' in item.reshape("MASK").data
    assert item.part.pointer == "/choices/0/text"
