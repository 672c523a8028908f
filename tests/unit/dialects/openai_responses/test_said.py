"""What an event says once more is told from what is new, and what its provider signed is marked."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_responses.said import Said
from gateway.dialects.reading.stream import WITHHELD

ITEM = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}]}


def done(item: Any, index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def test_a_text_that_was_said_is_no_part() -> None:
    said = Said()
    said.texts["/output/0/summary/0/text"] = "Hm."
    event = said.event(done(ITEM))
    assert event.repeats == {"/item/summary/0/text": "/output/0/summary/0/text"}
    assert "Hm." not in {part.text for part in event.parts}
    assert "Hm." in {part.text for part in said.event(done(ITEM, 1)).parts}


def test_an_item_is_found_by_its_ids_where_others_are_left_out() -> None:
    said = Said()
    said.note_item(1, {"id": "b"})
    assert said.index_of({"id": "b"}, "/output/0") == 1
    assert said.index_of({}, "/output/0") == 0


def test_a_seal_names_the_texts_of_its_item_and_what_goes_out_without_it() -> None:
    said = Said()
    said.note_item(0, ITEM)
    said.texts |= {"/output/0/summary/0/text": "Hm.", "/output/1/content/0/text": "Done."}
    sealed = {**ITEM, "encrypted_content": "gAAAA"}
    whole = {"type": "response.completed", "response": {"output": [sealed]}}
    for event, at in ((said.event(done(sealed)), "/item"), (said.event(whole), "/response/output/0")):
        (seal,) = event.signed
        assert (seal.at, seal.texts) == (at, {"/output/0/summary/0/text"})
        head = {"type": "reasoning", "id": "rs", "summary": []}
        assert seal.withheld == {**head, "encrypted_content": WITHHELD}
    assert not said.event(done({"type": "message", "content": []})).signed
