"""A closed-loop load over keep-alive connections: each sends its next request when the last is answered."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

PROMPT = (
    '{"model":"bench","messages":[{"role":"user","content":"Ticket %s. Please write to jane.roe@acme.org, '
    "call her on (212) 555-0187, refund card 4111 1111 1111 1111, and file it under SSN 536-22-8726. Keep "
    'the tone warm, two short paragraphs, and say that the order arrives on Friday."}]}'
)
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds and requests a second."""

    p50: float
    p99: float
    rate: float


async def run(port: int, path: str, key: str, *, connections: int, seconds: float, fresh: bool) -> Result:
    """Load `path` and measure. `fresh` prompts differ each time, so that no cache of findings helps.

    Raises RuntimeError on any answer but 200.
    """
    numbers = itertools.count() if fresh else itertools.repeat(0)

    def request() -> bytes:
        body = (PROMPT % "-".join(_WORDS[int(digit)] for digit in str(next(numbers)))).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    await asyncio.gather(*(_connection(port, request, 0.5) for _ in range(connections)))  # warm up
    started = time.perf_counter()
    runs = await asyncio.gather(*(_connection(port, request, seconds) for _ in range(connections)))
    elapsed = time.perf_counter() - started
    times = sorted(t for run in runs for t in run)
    return Result(statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000, len(times) / elapsed)


async def _connection(port: int, request: Callable[[], bytes], seconds: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"expected 200, got {head[:40]!r} {answer[:200]!r}")
        times.append(time.perf_counter() - start)
    writer.close()
    return times
