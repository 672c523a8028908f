"""One event of a streamed response: what grows in it, and which places of it repeat what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.leaves import words
from gateway.dialects.reading.scalars import mapping, mappings
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event

ADDED, DONE = "response.output_item.added", "response.output_item.done"
TERMINAL = ("response.completed", "response.failed", "response.incomplete", "response.cancelled")
TRANSCRIPT = "/transcript"  # of audio, which no item holds

# The list of an item that a text stands in, the key of its index there, and the text's member.
_Place = tuple[str, str, str]
_CONTENT, _SUMMARY = ("content", "content_index"), ("summary", "summary_index")
TEXTS: Mapping[str, _Place] = {
    "response.output_text": (*_CONTENT, "text"),
    "response.refusal": (*_CONTENT, "refusal"),
    "response.reasoning_text": (*_CONTENT, "text"),
    "response.reasoning_summary_text": (*_SUMMARY, "text"),
    "response.audio.transcript": ("", "", "transcript"),
}
_PARTS: Mapping[str, tuple[str, str]] = {
    "response.content_part": _CONTENT,
    "response.reasoning_summary_part": _SUMMARY,
}
_TEXT_OF: Mapping[str, str] = {  # the type of a part -> the event that writes its text
    "output_text": "response.output_text",
    "refusal": "response.refusal",
    "reasoning_text": "response.reasoning_text",
    "summary_text": "response.reasoning_summary_text",
}
# https://platform.openai.com/docs/api-reference/responses-streaming
_KNOWN = words(
    """
    audio code_interpreter_call code_interpreter_call_code compaction content_part created
    custom_tool_call_input file_search_call function_call_arguments image_generation_call in_progress
    mcp_call mcp_call_arguments mcp_list_tools output_item output_text queued reasoning reasoning_summary
    reasoning_summary_part reasoning_summary_text reasoning_text refusal web_search_call shell_call
    shell_call_command shell_call_output_content local_shell_call apply_patch_call computer_call
    """
)
_MOST = 10**6
HEAD = ("item_id", "output_index", "content_index", "summary_index", "sequence_number")


def kind_of(document: Any) -> str:
    """Return the type of an event. Raises Malformed when it has none."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind is None and isinstance(document, dict) and document.get("error"):
        kind = document["type"] = "error"
    if not isinstance(kind, str):
        raise Malformed("expected an event to have a type")
    return kind


def writes_call(grows: str) -> bool:
    """Return whether an event of this type writes a call: its arguments, its code, its command."""
    return "_call" in grows and "_call_output" not in grows


def is_known(kind: str) -> bool:
    """Return whether an event is of a type that the API is known to have."""
    named = kind.startswith("response.") and kind.split(".")[1] in _KNOWN
    return named or kind in TERMINAL or kind in ("error", "keepalive")


def index_of(event: Mapping[str, Any], key: str = "output_index") -> int:
    """Return an index of an event. Raises Malformed when it has none."""
    index = event.get(key)
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < _MOST:
        raise Malformed(f"expected an event to have the index {key}")
    return index


def head_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says where an event's text belongs."""
    number = event.get("sequence_number")
    numbered = {"sequence_number": number} if isinstance(number, int) else {}
    return {key: event[key] for key in HEAD if key in event and key != "sequence_number"} | numbered


def stem(kind: str) -> str:
    """Return the type of an event without what happens: `response.refusal` of `response.refusal.delta`."""
    return kind.rpartition(".")[0]


def text_pointer(event: Mapping[str, Any]) -> str:
    """Return where the text that an event writes, or says once more, stands in the whole response."""
    held_in, key, member = TEXTS[stem(event["type"])]
    if not held_in:
        return TRANSCRIPT
    return f"/output/{index_of(event)}/{held_in}/{index_of(event, key)}/{member}"


def text_event(head: Mapping[str, Any], grows: str, text: str) -> SseEvent:
    """Return an event that writes this text."""
    kind = f"{grows}.delta"
    logprobs: dict[str, Any] = {"logprobs": []} if grows == "response.output_text" else {}
    return json_event({"type": kind, **head, "delta": text, **logprobs}, kind)


def tokens_event(head: Mapping[str, Any], grows: str, items: Sequence[Any]) -> SseEvent:
    """Return an event that writes nothing, with what is told of tokens."""
    kind = f"{grows}.delta"
    return json_event({"type": kind, **head, "delta": "", "logprobs": items}, kind)


def part_pointer(event: Mapping[str, Any]) -> str | None:
    """Return where the part that an event carries stands in the whole response; None when it carries none."""
    if stem(event["type"]) not in _PARTS:
        return None
    held_in, key = _PARTS[stem(event["type"])]
    return f"/output/{index_of(event)}/{held_in}/{index_of(event, key)}"


def begun_texts(event: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], str]]:
    """Yield the texts that an item or a part begins with; usually there are none, for they come in deltas.

    Each comes with the event that would write it, the head of that, its holder and its key there.
    """
    head = head_of(event)
    if part_pointer(event):
        parts = [(head, event.get("part"))]
    else:
        item = mapping(event, "item")
        of = {**head, **({"item_id": item["id"]} if isinstance(item.get("id"), str) else {})}
        parts = [
            ({**of, key: index}, part)
            for held_in, key in (_CONTENT, _SUMMARY)
            for index, part in mappings(item.get(held_in))
        ]
    for of, part in parts:
        grows = _TEXT_OF.get(str(part.get("type"))) if isinstance(part, dict) else None
        if isinstance(part, dict) and grows and isinstance(part.get(TEXTS[grows][2]), str):
            yield grows, of, part, TEXTS[grows][2]


def take_probabilities(event: dict[str, Any]) -> dict[str, Any]:
    """Take padding out, and what is told of tokens, which follows their texts; return that by its pointer."""
    event.pop("obfuscation", None)
    items = [("/item", mapping(event, "item"))]
    output = mapping(event, "response").get("output")
    items += [(f"/response/output/{at}", item) for at, item in mappings(output)]
    holders: list[tuple[str, Any]] = [("", event), ("/part", mapping(event, "part"))]
    for above, item in items:
        holders += [(f"{above}/content/{at}", part) for at, part in mappings(item.get("content"))]
    taken = {}
    for at, holder in holders:
        if holder.get("logprobs"):
            taken[f"{at}/logprobs"], holder["logprobs"] = holder["logprobs"], []
    return taken
