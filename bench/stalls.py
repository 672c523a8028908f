"""`python -m bench.stalls`: how long a gateway's event loop stands still while it governs large bodies.

A whole worker runs in this process: HTTP, inspection, policy, masking, the call, restoration, the record.
What is measured is the longest turn of its loop, in the CPU time of the loop's own thread: on a busy machine
the clock would count what others took.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import orjson

from bench.__main__ import configured, server
from bench.detect import DENSE
from gateway.config import load_config
from gateway.policy import find_opa
from gateway.serve import listen, run_worker

_SIZES = (4_000, 64_000, 256_000)
_ROUNDS = 3
_PROSE = "The tables moved without downtime, because writes were queued while the indexes were rebuilt. "
_KINDS = {"clean": _PROSE, "dense": DENSE, "digits": "5551234, 41111, ", "base64": "QUJDREVGR0g9"}


def main() -> None:
    """Measure, print, and say what was measured on."""
    engine = "sidecar" if find_opa() else "embedded"
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {engine} engine\n"
    )
    with server("bench.provider") as provider, configured(engine, provider) as (port, key, path):
        config, turns = load_config(path), _Turns()
        caller = threading.Thread(target=_call, args=(port, key, turns))

        def ready() -> None:
            turns.task = asyncio.get_running_loop().create_task(turns.watch())
            caller.start()

        run_worker(config, listen(config), ready)
        caller.join()
    if not turns.whole:
        sys.exit("the gateway answered something that is no decision")


class _Turns:
    """Watches a loop from within; any thread may ask."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.longest = 0.0  # seconds
        self.whole = False  # everything was measured

    async def watch(self) -> None:
        """Note the longest turn, for ever."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest, before = max(self.longest, now - before), now


def _call(port: int, key: str, turns: _Turns) -> None:
    """The caller's thread; ends the gateway when it has what it wants."""
    try:
        _table("one message", port, key, turns, lambda kind, size: [_of(kind, size)])
        _table("messages of 2 kB", port, key, turns, _conversation)
        turns.whole = True
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _table(name: str, port: int, key: str, turns: _Turns, said: Callable[[str, int], list[str]]) -> None:
    print(f"| longest turn, {name} | " + " | ".join(f"{size // 1000} kB" for size in _SIZES) + " |")
    print("|---|" + "---|" * len(_SIZES))
    for kind in _KINDS:
        cells = [_longest(port, key, turns, partial(said, kind, size)) for size in _SIZES]
        print(f"| {kind} | " + " | ".join(f"{cell:.1f} ms" for cell in cells) + " |", flush=True)
    print()


def _longest(port: int, key: str, turns: _Turns, said: Callable[[], list[str]]) -> float:
    """The median of some rounds, each of texts that no cache knows, in milliseconds."""
    found = []
    for number in range(_ROUNDS):
        messages = [{"role": "user", "content": f"{time.time_ns()} {number} {text}"} for text in said()]
        body = orjson.dumps({"model": "bench", "messages": messages})
        turns.longest = 0.0
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", "/bench/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        if answer.status not in (200, 403):  # the shipped policy denies what holds many people's values
            raise RuntimeError(f"{answer.status}: {told[:500]!r}")
        time.sleep(0.05)  # the record is written behind the answer
        found.append(turns.longest * 1000)
    return sorted(found)[_ROUNDS // 2]


def _conversation(kind: str, size: int) -> list[str]:
    return [f"{number} {_of(kind, 2_000)}" for number in range(size // 2_000)]


def _of(kind: str, size: int) -> str:
    unit = _KINDS[kind]
    return (unit * (size // len(unit) + 1))[:size]


if __name__ == "__main__":
    main()
