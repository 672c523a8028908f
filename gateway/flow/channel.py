"""One run of text in a stream (say, the content of choice 0), and what of it has passed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.exchange import Finding, InspectedPart, Part, Span
from gateway.masking import Piece, StreamRestorer, StreamScanner

# Characters that are scanned, and restored, without a break: where every word may begin a number or an IBAN a
# character costs half a millisecond.
_SLICE, _RESTORED_SLICE = 16, 1024


class Channel:
    """The text so far: as the provider sent it, and as policy and the record see it."""

    def __init__(self, part: Part, scanner: StreamScanner, restorer: StreamRestorer) -> None:
        self._part = part
        self._scanner = scanner
        self._restorer = restorer
        self._raw: list[str] = []
        self._shown: list[str] = []
        self._findings: list[Finding] = []
        self._length = 0  # characters of the raw text so far

    async def scan(self, delta: str) -> list[Piece]:
        """The pieces a delta settles, in slices: no large one, nor a fast provider, makes others wait."""
        pieces: list[Piece] = []
        for start in range(0, len(delta), _SLICE):
            pieces += self._scanner.feed(delta[start : start + _SLICE])
            await asyncio.sleep(0)
        return pieces

    def last_pieces(self) -> list[Piece]:
        """What is left where the text ends."""
        return self._scanner.close()

    def passed(self, text: str, shown: str) -> None:
        """Take note of a piece that goes on its way, and of how policy and the record see it."""
        self._raw.append(text)
        self._shown.append(shown)
        self._length += len(text)

    def found(self, span: Span, text: str) -> Finding:
        """The finding that the next piece is, noted."""
        end = self._length + len(text)
        pointer = self._part.pointer
        finding = Finding(span.entity, span.category, span.score, pointer, self._length, end)
        self._findings.append(finding)
        return finding

    async def restored(self, masked: str) -> str:
        """What can go out of masked text, in slices as well."""
        restored = []
        for start in range(0, len(masked), _RESTORED_SLICE):
            if start:
                await asyncio.sleep(0)
            restored.append(self._restorer.feed(masked[start : start + _RESTORED_SLICE]))
        return "".join(restored)

    def last_restored(self) -> str:
        """What the restorer still held where the text ends."""
        return self._restorer.close()

    def part(self) -> Part:
        """The part with its text so far."""
        return replace(self._part, text="".join(self._raw))

    def inspected(self, part: Part, digest: str) -> InspectedPart:
        """The text so far as an inspected part."""
        return InspectedPart(part, digest, True, tuple(self._findings), "".join(self._shown))
