"""The texts of a delta, each with a delta that carries other text in its place."""

from typing import Any

from gateway.dialects.openai_chat.delta import DeltaTexts


def take(texts: DeltaTexts, delta: dict[str, Any]) -> tuple[list[tuple[str, str, Any]], dict[str, Any]]:
    found = [("/".join(one.path), one.text, one.shape("X")) for one in texts.take(delta)]
    return found, delta


def test_texts_are_taken_at_any_depth_and_the_head_goes_on_once() -> None:
    texts = DeltaTexts()
    item = {"type": "reasoning.text", "index": 0, "text": "Hm"}
    shape = {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "X"}]}
    found, left = take(texts, {"role": "assistant", "content": "Hel", "reasoning_details": [dict(item)]})
    assert found == [("content", "Hel", {"content": "X"}), ("reasoning_details/0/text", "Hm", shape)]
    assert left == {"role": "assistant", "reasoning_details": [{**item, "text": ""}]}
    found, left = take(texts, {"content": "lo", "reasoning_details": [dict(item)]})
    assert [path for path, _, _ in found] == ["content", "reasoning_details/0/text"]
    assert left == {}


def test_lists_of_whole_items_stay() -> None:
    delta = {"annotations": [{"text": "a"}], "content": None}
    assert take(DeltaTexts(), dict(delta)) == ([], delta)
