"""Token probabilities, which repeat a text in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.dialects.reading.leaves import ASSISTANT, Label, Walk, words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import Tokens

_LONG = 10**6  # numbers from here on are looked at
_KNOWN = words(
    """
    token logprob bytes top_logprobs token_logprobs text_offset top candidates tokenId logProbability
    """
)


def read_tokens(walk: Walk, tokens: Any, at: str, label: Label) -> None:
    """Read tokens joined: one by one they are pieces of text, in which no detector finds anything.

    A finding there cannot be masked piece by piece, so the joined text is structural.
    """
    if not isinstance(tokens, list) or not all(
        isinstance(token, dict) and isinstance(token.get("token"), str) for token in tokens
    ):
        walk.free(tokens, at, label)
        return
    walk.text("".join(token["token"] for token in tokens), at, ASSISTANT, "structural")
    for index, token in enumerate(tokens):
        rest = {name: item for name, item in token.items() if name != "token"}
        walk.counted(rest, f"{at}/{index}", label)


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
        rest = [{name: value for name, value in one.items() if name not in named} for one in items]
        return Tokens(items, texts, "\n".join(_texts(rest)), event, place)


def _spell(items: Sequence[dict[str, Any]], text: str) -> bool:
    """Return whether the bytes of tokens are those of a text."""
    try:
        return b"".join(bytes(one["bytes"]) for one in items) == text.encode()
    except (KeyError, TypeError, ValueError):
        return False


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
