"""`python -m bench.streams`: what a chunk of a governed stream costs, and how long its words are held.

A chunk is an event of four characters, from the provider's bytes to the caller's: decoded, read, scanned, its
placeholders restored, written again. Policy and the network are left out (see `python -m bench`). Times are
processor time, so that a busy machine shows them as an idle one does.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from faker import Faker

from gateway.config import Detect
from gateway.detect import Detector
from gateway.dialects import TextDelta
from gateway.dialects.openai_chat.stream import OpenAIStream
from gateway.dialects.reading.sse import SseDecoder, encode
from gateway.masking import Restorer, StreamScanner, Vault

_CHUNK = 4  # characters
_LONG = int(os.environ.get("BENCH_STREAM_CHARACTERS", "1000000"))
_SHORT = 40_000
_MICRO = 1e6


@dataclass(slots=True)
class Run:
    """The seconds that each chunk took, and how many whole words were undecided at the end of each."""

    seconds: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def mean(self, first: float = 0, last: float = 1) -> float:
        """Microseconds a chunk, over a share of the stream."""
        part = self.seconds[int(first * len(self.seconds)) : int(last * len(self.seconds))]
        return sum(part) / len(part) * _MICRO


class Governed:
    """One stream, as the gateway takes it through detection and restoration."""

    def __init__(self, inspector: Detector, restorer: Restorer) -> None:
        self._decoder = SseDecoder(1 << 30)
        self._reader = OpenAIStream()
        self._scanner = StreamScanner(inspector)
        self._restorer = restorer.stream()

    def feed(self, data: bytes) -> int:
        """How many characters of the model's text are decided by an event."""
        decided = 0
        for event in self._decoder.feed(data):
            for item in self._reader.read(event):
                if isinstance(item, TextDelta):
                    pieces = self._scanner.feed(item.part.text)
                    decided += sum(len(piece.text) for piece in pieces)
                    text = "".join(
                        f"<REDACTED_{piece.finding.entity}>" if piece.finding else piece.text
                        for piece in pieces
                    )
                    if text := self._restorer.feed(text):
                        encode(item.reshape(text))
        return decided


def main() -> None:
    """Measure, print, and say what was measured on."""
    inspector = Detector(Detect())
    vault = Vault(b"k" * 32)
    name = vault.placeholder("EMAIL_ADDRESS", "pii", "jane.roe@acme.org")
    vault.mark_restorable(name)
    restorer = Restorer(vault, ["my mail is jane.roe@acme.org"])
    run(inspector, restorer, prose(_SHORT // 4))  # warm
    long = run(inspector, restorer, prose(_LONG))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ", end="")
    print(f"events of {_CHUNK} characters, processor time\n")
    print("| stream | µs a chunk | against prose | p99 µs | words held, mean | most |")
    print("|---|---|---|---|---|---|")
    _row(f"prose, {_LONG // 1000} kB", long, long)
    for label, make in _TEXTS.items():
        _row(label, run(inspector, restorer, make(_SHORT).replace("PLACEHOLDER", name)), long)
    first, last = long.mean(0, 0.1), long.mean(0.9, 1)
    print(f"\nlast tenth of the {_LONG // 1000} kB against the first: {last / first:.2f}")


def run(inspector: Detector, restorer: Restorer, text: str) -> Run:
    """Feed a text in chunks."""
    governed, measured = Governed(inspector, restorer), Run()
    breaks = [at for at, (one, two) in enumerate(pairwise(text), 1) if two.isspace() and not one.isspace()]
    arrived = out = words_in = words_out = 0
    for chunk in cut(text):
        data = event(chunk)
        began = time.process_time()
        out += governed.feed(data)
        measured.seconds.append(time.process_time() - began)
        arrived += len(chunk)
        while words_in < len(breaks) and breaks[words_in] < arrived:
            words_in += 1
        while words_out < len(breaks) and breaks[words_out] < out:
            words_out += 1
        measured.held.append(max(0, words_in - words_out))
    return measured


def cut(text: str) -> Iterator[str]:
    """The text in chunks."""
    return (text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK))


def event(text: str) -> bytes:
    """A chunk as a provider sends it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"


def prose(size: int) -> str:
    """Sentences without anything to find."""
    fake = Faker()
    fake.seed_instance(1)
    paragraphs = " ".join(fake.paragraph(8) for _ in range(200))
    return _filled(paragraphs + " ", size)


def _sensitive(size: int) -> str:
    fake = Faker()
    fake.seed_instance(2)
    lines = (
        f"{fake.name()} ({fake.email()}) pays with {fake.credit_card_number()} and is reached at "
        f"{fake.numerify('+1 415-55#-####')}. "
        for _ in range(100)
    )
    return _filled("".join(lines), size)


def _placeholders(size: int) -> str:
    return _filled("Dear PLACEHOLDER, thank you for the message that you sent us today. ", size)


def _code(size: int) -> str:
    with open(__file__, encoding="utf-8") as file:
        return _filled(file.read(), size)


def _digits(size: int) -> str:
    return _filled(" ".join(str(number * 7919 % 100_000) for number in range(3000)) + " ", size)


def _almost_phones(size: int) -> str:
    rows = (f"{n * 7919 % 1000:03} {n * 31 % 1000:03} {n % 10_000:04}, " for n in range(2000))
    return _filled("".join(rows), size)


def _chinese(size: int) -> str:
    return _filled("联系我们的客户服务部门，谢谢你的帮助。", size)


def _filled(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


_TEXTS: dict[str, Callable[[int], str]] = {
    "prose": prose,
    "prose with placeholders to restore": _placeholders,
    "code": _code,
    "personal data in every sentence": _sensitive,
    "nothing but numbers": _digits,
    "nothing but what is nearly a phone number": _almost_phones,
    "Chinese": _chinese,
}


def _row(label: str, measured: Run, base: Run) -> None:
    p99 = sorted(measured.seconds)[int(len(measured.seconds) * 0.99)] * _MICRO
    held = sum(measured.held) / len(measured.held)
    print(
        f"| {label} | {measured.mean():.0f} | {measured.mean() / base.mean():.2f} | {p99:.0f} "
        f"| {held:.2f} | {max(measured.held)} |"
    )


if __name__ == "__main__":
    main()
