"""What a streamed response said so far, so that an event that says it once more is known to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from gateway.dialects.openai_responses.event import (
    HEAD,
    TERMINAL,
    TEXTS,
    index_of,
    is_known,
    part_pointer,
    stem,
    take_probabilities,
    text_pointer,
)
from gateway.dialects.openai_responses.grammar import RESPONSE
from gateway.dialects.openai_responses.items import SEALED_TYPES
from gateway.dialects.reading.scalars import mapping, mappings
from gateway.dialects.reading.stream import WITHHELD, OtherEvent, SignedBlock, json_event

_KEPT = ("id", "type", "status")  # of an item whose words and seal do not go out


class Said:
    """The texts that are over, and those of calls, by their place in the response."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.tokens: set[str] = set()  # the places of texts of whose tokens something was told
        self._ids: dict[int, tuple[Any, Any]] = {}  # of each item
        self._count = 0

    def note_item(self, index: int, item: Any) -> None:
        """Note which item stands at an index."""
        self._ids[index] = _ids(item)

    def event(self, document: dict[str, Any]) -> OtherEvent:
        """Return an event whose texts are its parts, but for those that repeat what was said before."""
        self._count += 1
        kind = document["type"]
        places = {at: self._repeated(document, at) for at in take_probabilities(document)}
        parts, repeats = [], {at: place for at, place in places.items() if place in self.tokens}
        for part in RESPONSE.read(document)[0]:
            place = self._repeated(document, part.pointer) if part.place == "value" else ""
            if part.text and self.texts.get(place) == part.text:
                repeats[part.pointer] = place
            else:
                parts.append(part)
        whole = kind in TERMINAL or "response" in document or kind.endswith((".added", ".done"))
        path = f"{self._count}" if whole else f"{kind}/{[document.get(key) for key in HEAD[1:4]]}"
        return OtherEvent(
            json_event(document, kind),
            document,
            tuple(parts),
            partial(str.__add__, path),
            whole,
            repeats,
            signed=tuple(self._seals(document)),
            unknown=() if is_known(kind) else (kind,),
        )

    def index_of(self, item: Any, at: str) -> int:
        """Return the output index of an item of a response, where some providers leave others out."""
        index, ids = int(at.rpartition("/")[2]), _ids(item)
        if self._ids.get(index) == ids:
            return index
        return next((one for one, known in self._ids.items() if known == ids and any(ids)), index)

    def _seals(self, document: dict[str, Any]) -> Iterator[SignedBlock]:
        """Yield the items that their provider signed, with the texts of each."""
        items = [("/item", mapping(document, "item"))] if "output_index" in document else []
        output = mapping(document, "response").get("output")
        items += [(f"/response/output/{index}", item) for index, item in mappings(output)]
        for at, item in items:
            if item.get("type") in SEALED_TYPES:
                index = index_of(document) if at == "/item" else self.index_of(item, at)
                texts = frozenset(one for one in self.texts if one.startswith(f"/output/{index}/"))
                yield SignedBlock(at, texts, _withheld(item))

    def _repeated(self, document: dict[str, Any], pointer: str) -> str:
        """Return the place of the whole response that a place of an event may repeat; "" for none."""
        _, holder, *rest = pointer.split("/")
        if holder == "response" and rest[:1] == ["output"] and len(rest) > 2:
            index = self.index_of(document["response"]["output"][int(rest[1])], f"/{rest[1]}")
            return "/".join(("/output", str(index), *rest[2:]))
        if holder == "item" and "output_index" in document:
            return "/".join((f"/output/{index_of(document)}", *rest))
        if holder == "part" and part_pointer(document):
            return "/".join((part_pointer(document) or "", *rest))
        member = TEXTS.get(stem(document["type"]), ("", "", ""))[2]
        if not rest and member and holder in (member, "logprobs"):
            return text_pointer(document).removesuffix(member) + holder
        return ""


def _withheld(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item that says nothing, by which the gateway leaves it out when it comes up again."""
    head = {key: item[key] for key in _KEPT if key in item}
    return {**head, **({"summary": []} if "summary" in item else {}), "encrypted_content": WITHHELD}


def _ids(item: Any) -> tuple[Any, Any]:
    return (item.get("id"), item.get("call_id")) if isinstance(item, dict) else (None, None)
