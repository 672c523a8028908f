"""What a provider tells of the tokens of a stream's texts: it follows them, but for words that are masked.

Example: the text `mail ana@acme.org now` is masked from character 5 to 17. Of its tokens `mail`, ` ana`,
`@acme`, `.org`, ` now` the first goes out, the last, and none of those between: ` ana` reaches into it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from gateway.dialects import SseEvent, TextDelta, Tokens
from gateway.exchange.inspect import is_guess
from gateway.exchange.repeats import SentTexts
from gateway.words import InspectedPart, Part

_Token = tuple[
    int, int, Any, Tokens
]  # where its text starts and ends in the channel's, and what is told of it


class TokenRow:
    """Holds what is told of tokens until their text is settled."""

    def __init__(
        self, sent: SentTexts, inspect: Callable[[Sequence[Part]], Awaitable[tuple[InspectedPart, ...]]]
    ) -> None:
        self._sent = sent
        self._inspect = inspect
        self._came = Counter[str]()  # characters, by channel
        self._waiting: dict[str, deque[_Token]] = {}
        self._hidden: dict[str, list[tuple[int, int]]] = {}  # what was masked

    async def take(self, item: TextDelta) -> None:
        """Take the tokens of a piece of text; not those beside which other text holds a value."""
        at, tokens = self._came[item.channel], item.tokens
        self._came[item.channel] += len(item.part.text)
        if tokens is None:
            return
        self._sent.tokens.setdefault(tokens.place, [])
        beside = Part("assistant", "text", item.part.pointer, tokens.beside)
        inspected = await self._inspect([beside]) if tokens.beside else ()
        if any(not is_guess(finding) for part in inspected for finding in part.findings):
            return
        waiting, start = self._waiting.setdefault(item.channel, deque()), at
        for told, text in zip(tokens.items, tokens.texts, strict=True):
            if text:  # one without is a further piece of the character before it
                start, at = at, at + len(text)
            waiting.append((start, at, told, tokens))

    def hide(self, channel: str, start: int, end: int) -> None:
        """Let nothing be told of these characters."""
        self._hidden.setdefault(channel, []).append((start, end))

    def settled(self, channel: str, length: int) -> Iterator[SseEvent]:
        """Yield the events about the tokens within the first `length` characters of a channel."""
        waiting, settled = self._waiting.get(channel, deque()), list[_Token]()
        while waiting and waiting[0][1] <= length:
            settled.append(waiting.popleft())
        for _, group in groupby(settled, key=lambda token: id(token[3])):
            tokens = [*group]
            items = [told for start, end, told, _ in tokens if not self._is_hidden(channel, start, end)]
            if items:
                of = tokens[0][3]
                self._sent.tokens[of.place] += items
                yield of.event(items)

    def _is_hidden(self, channel: str, start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in self._hidden.get(channel, ()))
