"""One delta of a streamed chat completion taken apart: the texts in it, each with what carries it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.dialects.openai_chat import VOCABULARY
from gateway.dialects.scalars import integer

# Text of objects and list items that grow from delta to delta (audio.transcript, reasoning_details[].text).
_GROWING = frozenset(
    ("text", "content", "summary", "reasoning", "reasoning_content", "thinking", "transcript", "refusal")
)
_WHOLE = frozenset(("annotations", "citations", "images"))  # lists whose every item is one of its own
_HEAD = ("type", "index", "id", "format")  # what tells the items of a list apart


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the channel at `path`; `shape(text)` is a delta that carries `text` there."""

    path: tuple[str, ...]
    text: str
    shape: Callable[[str], dict[str, Any]]


class DeltaTexts:
    """Takes the texts out of the deltas of one choice.

    What a shape says beside its text (a name that is not in the vocabulary, the head of an item) stays in
    the delta the first time, so that it has been a part before it is passed on with a text.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def take(self, delta: dict[str, Any]) -> list[Text]:
        """Move the texts out of a delta: every string of it but the role is a channel of its own."""
        texts = []
        for key, value in [*delta.items()]:
            if isinstance(value, str) and value and key != "role":
                texts.append(Text((key,), delta.pop(key), partial(_member, key)))
                if key not in VOCABULARY and self._is_new((key,), {}):
                    delta[key] = ""
            elif isinstance(value, dict):
                texts += self._take_growing(value, (key,), {}, partial(_member, key))
                if not value:
                    del delta[key]
            elif isinstance(value, list) and key not in _WHOLE:
                texts += self._take_items(delta, key, value)
        return texts

    def _take_items(self, delta: dict[str, Any], key: str, items: list[Any]) -> list[Text]:
        texts, quiet = [], True
        for place, item in _objects(items):
            head = {name: item[name] for name in _HEAD if _is_scalar(item.get(name))}
            shape = partial(_item, key, head)
            texts += (taken := self._take_growing(item, (key, str(place)), head, shape))
            quiet &= bool(taken) and item == head
        if texts and quiet and all(isinstance(item, dict) for item in items):
            del delta[key]
        return texts

    def _take_growing(
        self,
        holder: dict[str, Any],
        path: tuple[str, ...],
        head: Mapping[str, Any],
        shape: Callable[[Any], dict[str, Any]],
    ) -> list[Text]:
        texts = []
        for name in [name for name in holder if name in _GROWING]:
            if not isinstance(holder[name], str) or not holder[name]:
                continue
            texts.append(Text((*path, name), holder.pop(name), partial(_within, shape, name)))
            if self._is_new((*path, name), head):
                holder[name] = ""
        return texts

    def _is_new(self, path: tuple[str, ...], head: Mapping[str, Any]) -> bool:
        new = self._said.get(path) != head
        self._said[path] = head
        return new


def _objects(items: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with the place that each names, or has."""
    for place, item in enumerate(items):
        if isinstance(item, dict):
            index = integer(item, "index")
            yield index if index >= 0 else place, item


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _member(key: str, value: Any) -> dict[str, Any]:
    return {key: value}


def _item(key: str, head: Mapping[str, Any], member: Mapping[str, Any]) -> dict[str, Any]:
    return {key: [{**head, **member}]}


def _within(shape: Callable[[Any], dict[str, Any]], name: str, text: str) -> dict[str, Any]:
    return shape({name: text})
