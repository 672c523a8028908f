"""`make soak`: mixed load on one gateway for half an hour; memory, files and latency have to stay flat.

    SOAK_SECONDS=120 make soak       a short one

Six callers ask whole and streamed, with values and without, large and small, and what is denied; some leave
before their answer. At the end the gateway is stopped in the middle of its load. Then the chain has to
verify, and the views have to hold each exchange that a caller saw, once. Exit code 1 when any of it fails.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import httpx

from bench.__main__ import REGATE, ROOT, await_port, environment, free_port

_SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
_CALLERS, _WINDOWS = 6, 30
_GROWTH = 1.1  # of what was held in the middle third, at most
_CONFIG = """
listen: 127.0.0.1:{port}
providers:
  demo: {{family: openai, base_url: "builtin:demo"}}
policy: {{engine: auto, path: {policies}}}
audit: {{segment_bytes: 4000000, segment_seconds: 60}}
"""
_KEY_BLOCK = (
    "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx1" * 8 + "\n-----END RSA PRIVATE KEY-----"
)
_ASKED = ("clean", "values", "large", "streamed", "denied", "left")


@dataclass(slots=True)
class Window:
    """What was measured in one part of the time: milliseconds, and what the gateway held at its end."""

    times: list[float] = field(default_factory=list)
    kilobytes: int = 0
    files: int = 0


@dataclass(slots=True)
class Load:
    """The callers and what they saw."""

    url: str
    key: str
    seen: set[str] = field(default_factory=set)  # exchanges that were answered
    odd: list[str] = field(default_factory=list)  # answers that should not be
    window: Window = field(default_factory=Window)
    stopping: bool = False

    async def call(self, number: int) -> None:
        """Ask again and again until the gateway stops."""
        chance = random.Random(number)
        async with httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False) as client:
            for turn in itertools.count():
                if self.stopping:
                    return
                try:
                    await self._ask(client, chance.choice(_ASKED), f"{number} {turn}")
                except httpx.TransportError as error:
                    if not self.stopping:
                        self.odd.append(repr(error))

    async def _ask(self, client: httpx.AsyncClient, kind: str, mark: str) -> None:
        text = {
            "values": f"Ticket {mark}: write to jane.roe@acme.org, card 4111 1111 1111 1111, (212) 555-0187.",
            "streamed": f"Ticket {mark}: write to jane.roe@acme.org, or call (212) 555-0187.",
            "large": f"Ticket {mark}. " + "The order arrives on Friday, says the carrier. " * 400,
            "denied": f"Ticket {mark}: {_KEY_BLOCK}",
        }.get(kind, f"Ticket {mark}: which is the longest river of Europe?")
        body = {
            "model": "demo",
            "stream": kind == "streamed",
            "messages": [{"role": "user", "content": text}],
        }
        asking = client.post(
            "/demo/v1/chat/completions", json=body, headers={"authorization": f"Bearer {self.key}"}
        )
        if kind == "left":
            with suppress(TimeoutError):
                await asyncio.wait_for(asking, 0.002)
            return
        began = time.perf_counter()
        answer = await asking
        self.window.times.append((time.perf_counter() - began) * 1000)
        self.seen.add(answer.headers["x-regate-exchange-id"])
        if answer.status_code != (403 if kind == "denied" else 200) and not self.stopping:
            self.odd.append(f"{kind}: {answer.status_code} {answer.text[:200]}")


def main() -> int:
    """Run it all; 0 when everything stayed as it should."""
    with tempfile.TemporaryDirectory(prefix="regate-soak-") as folder:
        config, port = Path(folder, "regate.yaml"), free_port()
        config.write_text(_CONFIG.format(port=port, policies=ROOT / "policies/rego"))
        env = environment(config)
        create = ["keys", "create", "--agent", "soak", "--owner", "soak", "--json"]
        key = json.loads(subprocess.check_output([*REGATE, *create], env=env, cwd=ROOT))["key"]
        process = subprocess.Popen([*REGATE, "up", "--no-demo", "--log-level", "error"], env=env, cwd=ROOT)
        try:
            await_port(port)
            load = Load(f"http://127.0.0.1:{port}", key)
            windows = asyncio.run(_soaked(load, process))
            process.wait(60)
        finally:
            process.kill()
        faults = [*load.odd[:5], *_growth(windows), *_evidence(load, env)]
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


async def _soaked(load: Load, process: subprocess.Popen[bytes]) -> list[Window]:
    """Load the gateway and measure, then stop it while it is asked."""
    callers = [asyncio.create_task(load.call(number)) for number in range(_CALLERS)]
    windows = []
    print("| minute | requests | p50 ms | p99 ms | MB | files |\n|---|---|---|---|---|---|")
    for number in range(_WINDOWS):
        await asyncio.sleep(_SECONDS / _WINDOWS)
        window, load.window = load.window, Window()
        window.kilobytes, window.files = _held(process.pid)
        windows.append(window)
        p99 = quantiles(window.times, n=100)[98]
        minute = (number + 1) * _SECONDS / _WINDOWS / 60
        print(
            f"| {minute:.1f} | {len(window.times)} | {median(window.times):.1f} | {p99:.1f} "
            f"| {window.kilobytes / 1024:.0f} | {window.files} |",
            flush=True,
        )
    load.stopping = True
    process.terminate()
    await asyncio.gather(*callers)
    return windows


def _held(pid: int) -> tuple[int, int]:
    """Return the memory, in kB, and the open files of the gateway and what it started."""
    kilobytes = files = 0
    for one in _family(pid):
        with suppress(OSError, IndexError):  # of one that has just ended
            status = Path(f"/proc/{one}/status").read_text()
            kilobytes += int(status.split("VmRSS:")[1].split()[0])
            files += len(os.listdir(f"/proc/{one}/fd"))
    return kilobytes, files


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _growth(windows: list[Window]) -> Iterator[str]:
    """Yield what the last third of the time held more of than the middle one."""
    third = len(windows) // 3
    middle, last = windows[third : 2 * third], windows[2 * third :]
    for what in ("kilobytes", "files"):
        before, after = (median(getattr(one, what) for one in part) for part in (middle, last))
        if after > before * _GROWTH:
            yield f"{what} grew from {before:.0f} to {after:.0f}"
    before, after = (median(median(one.times) for one in part) for part in (middle, last))
    print(f"median latency, middle and last third: {before:.1f} and {after:.1f} ms")


def _evidence(load: Load, env: dict[str, str]) -> Iterator[str]:
    """Yield what the evidence says otherwise than the callers."""
    verified = subprocess.run(
        [*REGATE, "audit", "verify"], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if verified.returncode:
        yield f"audit verify: {verified.stdout}{verified.stderr}"
    asked = [*REGATE, "audit", "sql", "select exchange_id, count(*) as n from exchanges group by 1", "--json"]
    rows = {
        row["exchange_id"]: row["n"] for row in json.loads(subprocess.check_output(asked, env=env, cwd=ROOT))
    }
    if missing := load.seen - set(rows):
        yield f"{len(missing)} answered exchanges are not in the evidence: {sorted(missing)[:3]}"
    if double := [name for name, count in rows.items() if count != 1]:
        yield f"{len(double)} exchanges are there more than once: {double[:3]}"
    print(f"{verified.stdout.strip()}; {len(load.seen)} answers, {len(rows)} exchanges")


if __name__ == "__main__":
    sys.exit(main())
