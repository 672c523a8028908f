"""One delta of a streamed chat completion taken apart: the texts in it, each with what carries it.

Example, for {"role": "assistant", "content": "Hel", "reasoning_details": [{"index": 0, "text": "Hm"}]}:

    1. a string of the delta itself is a text           ("content",)                    "Hel"
    2. so is a growing string of an object or item      ("reasoning_details", "0", "text")  "Hm"
    3. each has a shape, a delta with other text         {"reasoning_details": [{"index": 0, "text": "X"}]}
    4. what is left goes on as an event of its own       {"role": "assistant", "reasoning_details": […]}

In the next delta of the same shape nothing is left but texts, and no event of its own goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.dialects.openai_chat.grammar import THOUGHTS, VOCABULARY
from gateway.dialects.reading.scalars import integer

# Text of objects and list items, however deep, that grows from delta to delta (audio.transcript,
# reasoning_details[].text).
_GROWING = frozenset(
    ("text", "content", "summary", "reasoning", "reasoning_content", "thinking", "transcript", "refusal")
)
_WHOLE = frozenset(("annotations", "citations", "images"))  # lists whose every item is one of its own
_HEAD = ("type", "index", "id", "format")  # what tells the items of a list apart
_Heads = tuple[Mapping[str, Any], ...]  # those of the items that a text is in, outermost first
_Shape = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the channel at `path`; `shape(text)` is a delta that carries `text` there."""

    path: tuple[str, ...]
    text: str
    shape: _Shape


class DeltaTexts:
    """Takes the texts out of the deltas of one choice.

    What a shape says beside its text (a name that is not in the vocabulary, the head of an item) stays in
    the delta the first time, so that it has been a part before it is passed on with a text.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, ...], _Heads] = {}

    def take(self, delta: dict[str, Any]) -> list[Text]:
        """Move the texts out of a delta: every string of it but the role is a channel of its own."""
        texts = []
        for key, value in [*delta.items()]:
            if isinstance(value, str) and value and key != "role":
                texts.append(Text((key,), delta.pop(key), partial(_within, _itself, key)))
                if key not in VOCABULARY and self._is_new((key,), ()):
                    delta[key] = ""
            else:
                texts += self._take_below(delta, key, (), (), _itself)
        return texts

    def below(self, *path: str) -> list[tuple[str, ...]]:
        """Return the paths of the texts so far that stand below this one."""
        return [one for one in self._said if one[: len(path)] == path]

    def _take_below(
        self, holder: dict[str, Any], key: str, path: tuple[str, ...], heads: _Heads, shape: _Shape
    ) -> list[Text]:
        """Take the texts out of an object or a list, and the whole of it when it holds nothing else."""
        value, inner = holder[key], partial(_within, shape, key)
        if isinstance(value, dict):
            texts = self._take_growing(value, (*path, key), heads, inner)
            quiet = not value
        elif isinstance(value, list) and key not in _WHOLE:
            texts, quiet = self._take_items(value, (*path, key), heads, inner)
        else:
            return []
        if quiet:
            del holder[key]
        return texts

    def _take_items(
        self, items: list[Any], path: tuple[str, ...], heads: _Heads, shape: _Shape
    ) -> tuple[list[Text], bool]:
        """Return the texts in the items of a list, and whether every item held one and nothing else."""
        texts, quiet = [], True
        for index, item in _objects(items):
            head = head_of(item)
            inner = partial(_item, shape, head)
            taken = self._take_growing(item, (*path, str(index)), (*heads, head), inner)
            texts += taken
            quiet &= bool(taken) and item == head
        return texts, bool(texts) and quiet and all(isinstance(item, dict) for item in items)

    def _take_growing(
        self, holder: dict[str, Any], path: tuple[str, ...], heads: _Heads, shape: _Shape
    ) -> list[Text]:
        texts = []
        for name, value in [*holder.items()]:
            if name not in _GROWING or not isinstance(value, str):
                texts += self._take_below(holder, name, path, heads, shape)
            elif value:
                texts.append(Text((*path, name), holder.pop(name), partial(_within, shape, name)))
                if self._is_new((*path, name), heads):
                    holder[name] = ""
        return texts

    def _is_new(self, path: tuple[str, ...], heads: _Heads) -> bool:
        new = self._said.get(path) != heads
        self._said[path] = heads
        return new


def take_signed(delta: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Move what is signed under the thoughts of a model out of a delta: it follows the words that it signs.

    Each comes with the place of its item, and with all of it that is no text.
    """
    items = delta.get(THOUGHTS)
    if not isinstance(items, list):
        return []
    signed, left = [], []
    for index, item in enumerate(items):
        if not (isinstance(item, dict) and item.get("signature")):
            left.append(item)
            continue
        named = integer(item, "index")
        texts = {name: text for name, text in item.items() if name in _GROWING and isinstance(text, str)}
        signed.append(
            (str(named if named >= 0 else index), {k: v for k, v in item.items() if k not in texts})
        )
        if any(texts.values()):
            left.append({**head_of(item), **texts})
    if left:
        delta[THOUGHTS] = left
    else:
        delta.pop(THOUGHTS)
    return signed


def head_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells an item of a list from the others."""
    return {name: item[name] for name in _HEAD if _is_scalar(item.get(name))}


def _objects(items: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a list with the index that each names, else with its own."""
    for index, item in enumerate(items):
        if isinstance(item, dict):
            named = integer(item, "index")
            yield named if named >= 0 else index, item


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _itself(value: Any) -> Any:
    return value


def _within(shape: _Shape, name: str, value: Any) -> dict[str, Any]:
    return shape({name: value})


def _item(shape: _Shape, head: Mapping[str, Any], value: Any) -> dict[str, Any]:
    return shape([{**head, **value}])
