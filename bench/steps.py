"""`make bench-steps`: the processor time of each step of one exchange, on the event loop and beside it.

The gateway runs as in `make bench`, its steps under a clock, with one connection. "Loop" is the time of the
event loop's thread while a step was open, and no step inside of it was. "Waits" is what passed beyond that:
for another thread, another process, the disk or the provider. What belongs to no step (HTTP, tasks, timers)
has a row of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from bench.__main__ import await_port, configured, environment, server
from bench.load import run

_SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
_REST = "http and the rest"


class Clock:
    """Gives the time that passes to the innermost step that is open. One exchange at a time."""

    def __init__(self) -> None:
        self.exchanges: list[dict[str, tuple[float, float]]] = []
        self._open: list[str] = []
        self._spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._at = self._now()

    def enter(self, step: str) -> None:
        """Begin a step."""
        self._pass()
        self._open.append(step)

    def leave(self) -> None:
        """End the innermost step."""
        self._pass()
        self._open.pop()

    def end(self) -> None:
        """End the exchange."""
        self._pass()
        self.exchanges.append({step: (cpu, wall) for step, (cpu, wall) in self._spent.items()})
        self._spent.clear()

    def _pass(self) -> None:
        cpu, wall = self._now()
        spent = self._spent[self._open[-1] if self._open else _REST]
        spent[0] += cpu - self._at[0]
        spent[1] += wall - self._at[1]
        self._at = cpu, wall

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.thread_time(), time.perf_counter()


def main() -> None:
    """Load a gateway whose steps are timed, then print what it measured."""
    with server("bench.provider") as provider:
        for engine in ("embedded", "sidecar"):
            with configured(engine, provider) as (port, key, config):
                command = [sys.executable, "-m", "bench.steps", "up"]
                process = subprocess.Popen(
                    command, env=environment(config), stdout=subprocess.PIPE, text=True
                )
                await_port(port)
                load = run(
                    port, "/bench/v1/chat/completions", key, connections=1, seconds=_SECONDS, fresh=True
                )
                result = asyncio.run(load)
                process.terminate()
                table, _ = process.communicate()
                print(f"{engine}, p50 {result.p50:.2f} ms with the clock\n\n{table}")


def _up() -> None:
    """Run the gateway under the clock, and print the table when it ends."""
    from gateway.config import load_config
    from gateway.exchange import Exchange, Gateway, decide
    from gateway.exchange.forward import Forwarder
    from gateway.exchange.inspect import Inspector
    from gateway.exchange.receive import Receiver
    from gateway.exchange.record import Ledger
    from gateway.policy import Policies
    from gateway.serve import listen, run_worker
    from gateway.sessions import Reservation, UsageCounters

    clock = Clock()
    for step, owner, name in (
        ("identify", Gateway, "_identify"),
        ("receive", Receiver, "receive"),
        ("count usage", UsageCounters, "reserve"),
        ("count usage", Reservation, "facts"),
        ("inspect the prompt", Inspector, "inspect"),
        ("input", decide, "input_of"),
        ("policy", Policies, "decide"),
        ("record", Ledger, "record_decision"),
        ("wait for the record, its parts", decide.Decider, "decide"),
        ("mask", Forwarder, "prepare"),
        ("forward", Forwarder, "forward"),
        ("answer", Gateway, "_answer"),
        ("inspect the completion", Inspector, "completion"),
        ("record", Ledger, "record_completion"),
    ):
        setattr(owner, name, _timed(getattr(owner, name), step, clock))
    settle = Gateway.settle

    def settled(gateway: Gateway, exchange: Exchange) -> None:
        settle(gateway, exchange)
        clock.end()

    setattr(Gateway, "settle", settled)  # noqa: B010 - it is patched
    config = load_config(Path(os.environ["REGATE_CONFIG"]))
    run_worker(config, listen(config))
    _print(clock.exchanges[len(clock.exchanges) // 5 :])  # the first ones warm up


def _timed(work: Callable[..., Any], step: str, clock: Clock) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(work):

        @wraps(work)
        async def awaited(*given: Any, **named: Any) -> Any:
            clock.enter(step)
            try:
                return await work(*given, **named)
            finally:
                clock.leave()

        return awaited

    @wraps(work)
    def called(*given: Any, **named: Any) -> Any:
        clock.enter(step)
        try:
            return work(*given, **named)
        finally:
            clock.leave()

    return called


def _print(exchanges: list[dict[str, tuple[float, float]]]) -> None:
    steps = list(dict.fromkeys(step for one in exchanges for step in one))
    steps.sort(key=lambda step: step == _REST)
    print("| step | loop, median | waits, median |\n|---|---|---|")
    total = 0.0
    for step in steps:
        cpu = statistics.median(one.get(step, (0, 0))[0] for one in exchanges) * 1000
        wall = statistics.median(one.get(step, (0, 0))[1] for one in exchanges) * 1000
        total += cpu
        print(f"| {step} | {cpu:.3f} ms | {max(0.0, wall - cpu):.3f} ms |")
    print(f"| all | {total:.3f} ms | |")


if __name__ == "__main__":
    _up() if sys.argv[1:] == ["up"] else main()
