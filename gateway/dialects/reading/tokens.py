"""Token probabilities, which repeat a text in pieces."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from gateway.dialects.reading.document import at, escape
from gateway.dialects.reading.leaves import Label, Walk, words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import Tokens
from gateway.words import Part

_LONG = 10**6  # numbers from here on are looked at
_KNOWN = words(
    """
    token logprob bytes top_logprobs token_logprobs text_offset top candidates tokenId logProbability
    """
)


def read_tokens(walk: Walk, tokens: Any, at: str, label: Label, columns: str = "") -> None:
    """Read tokens joined: one by one they are pieces of text, in which no detector finds anything.

    `columns` is the pointer of the object of which each list tells of the same tokens.
    """
    texts = _texts_of(tokens, "token")
    if texts is None:
        walk.free(tokens, at, label)
        return
    walk.tokens("".join(texts), at, columns)
    if (spelled := "".join(_by_bytes(tokens) or texts)) != "".join(texts):
        walk.tokens(spelled, at, columns)
    read_beside(walk, [_without(token, "token") for token in tokens if isinstance(token, dict)], at, columns)


def read_beside(walk: Walk, items: Any, at: str, columns: str = "") -> None:
    """Read what a list tells of each token beside its text, the likely others say, as one text for each."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if beside := "\n".join(_texts(item)):
            walk.tokens(beside, f"{at}/{index}", columns)


def read_words(walk: Walk, said: Any, at: str, label: Label) -> None:
    """Read the words of a transcript, and joined as well: in a single one no detector finds anything."""
    if texts := _texts_of(said, "word"):
        walk.tokens(" ".join(texts), at)
    walk.syntax(said, at, label)


def hidden(body: Any, part: Part, spans: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Yield the pointers of all that tells of the tokens of a part which reach into one of the spans."""
    above, _, index = part.pointer.rpartition("/")
    if isinstance(at(body, above), list):  # what stands beside one token
        yield from _row(body, part.block, above, int(index))
        return
    for name, joint in (("token", ""), ("word", " ")):
        items = at(body, part.pointer)
        texts = _texts_of(items, name) or ()
        if joint.join(texts) != part.text:
            texts = _by_bytes(items) or ()
        if joint.join(texts) != part.text:
            continue
        starts = accumulate((len(text) + len(joint) for text in texts), initial=0)
        for number, (start, text) in enumerate(zip(starts, texts, strict=False)):
            if any(first < start + max(len(text), 1) and start < last for first, last in spans):
                yield from _row(body, part.block, part.pointer, number)


def _row(body: Any, columns: str, above: str, index: int) -> Iterator[str]:
    """Yield the pointers of one token in its list, and in the columns beside it."""
    yield f"{above}/{index}"
    count = len(at(body, above))
    for name, column in at(body, columns).items() if columns else ():
        if isinstance(column, list) and len(column) == count:
            yield f"{columns}/{escape(name)}/{index}"


def _texts_of(tokens: Any, name: str) -> list[str] | None:
    """Return the texts of tokens, which stand by themselves or under a name; None where one has none."""
    if not isinstance(tokens, list):
        return None
    found = (one.get(name) if isinstance(one, dict) else one for one in tokens)
    texts = [text for text in found if isinstance(text, str)]
    return texts if len(texts) == len(tokens) else None


def _by_bytes(tokens: Any) -> list[str] | None:
    """Return what the bytes of tokens spell, a character of several with the last one; None without bytes."""
    found: list[Any] = [one.get("bytes") if isinstance(one, dict) else None for one in tokens or ()]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        return [decoder.decode(bytes([*each])) for each in found]
    except (TypeError, ValueError):
        return None


class TokenReader:
    """Finds the tokens of each piece of a stream's texts.

    A character of several tokens comes with the last of them: those before wait for it.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[Any]] = {}  # items, by channel

    def note(self, channel: str, items: Any) -> None:
        """Note the items that came with a piece of a text, or with none."""
        if isinstance(items, list):
            self._waiting.setdefault(channel, []).extend(items)

    def take(
        self, channel: str, text: str, event: Callable[[Sequence[Any]], SseEvent], place: str = ""
    ) -> Tokens | None:
        """Return the tokens of this piece; None where the items do not spell it: they tell of other words."""
        items = self._waiting.pop(channel, [])
        if not items or not all(isinstance(one, dict) and isinstance(one.get("token"), str) for one in items):
            return None
        texts = [one["token"] for one in items]
        named = {"token", "bytes"}
        if "".join(texts) != text:
            if not _spell(items, text):
                return None
            texts, named = [text, *("" for _ in items[1:])], {"bytes"}
        rest = [_without(one, *named) for one in items]
        return Tokens(items, texts, "\n".join(_texts(rest)), event, place)


def _spell(items: Sequence[dict[str, Any]], text: str) -> bool:
    """Return whether the bytes of tokens are those of a text."""
    try:
        # of a list: a number would ask for as many bytes
        return b"".join(bytes([*one["bytes"]]) for one in items) == text.encode()
    except (KeyError, TypeError, ValueError):
        return False


def _without(token: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in token.items() if name not in names}


def _texts(value: Any) -> Iterator[str]:
    """Yield the keys, texts and long numbers in a value, but for bytes, which repeat a text beside them."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from () if name in _KNOWN else (name,)
            yield from _texts(None if name == "bytes" else below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, str) or (isinstance(value, int) and abs(value) >= _LONG):
        yield str(value)
