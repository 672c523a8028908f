"""`make bench`: governed traffic through each engine against a bare pass-through, in one run."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.load import Result, run
from gateway.policy import find_opa

ROOT = Path(__file__).parent.parent
_SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
REGATE = [sys.executable, "-m", "cli.main"]
_BARE = "bare pass-through"
_CONFIG = """
listen: 127.0.0.1:{port}
providers:
  bench: {{family: openai, base_url: "http://127.0.0.1:{provider}"}}
policy: {{engine: {engine}, path: {policies}}}
"""


def main() -> None:
    """Measure, print, and say what was measured on."""
    with ExitStack() as stack:
        provider = stack.enter_context(server("bench.provider"))
        bare = stack.enter_context(server("bench.passthrough", f"http://127.0.0.1:{provider}"))
        results = {_BARE: _measure(bare, "/v1/chat/completions", "", fresh=True)}
        for engine in ("sidecar", "embedded") if find_opa() else ("embedded",):
            port, key, _ = stack.enter_context(gateway(engine, provider))
            path = "/bench/v1/chat/completions"
            results[f"governed, {engine}"] = _measure(port, path, key, fresh=True)
            results[f"governed, {engine}, prompt seen before"] = _measure(port, path, key, fresh=False)
        _report(results)


def _measure(port: int, path: str, key: str, fresh: bool) -> tuple[Result, Result]:
    alone = asyncio.run(run(port, path, key, connections=1, seconds=_SECONDS, fresh=fresh))
    crowd = asyncio.run(run(port, path, key, connections=16, seconds=_SECONDS, fresh=fresh))
    return alone, crowd


def _report(results: dict[str, tuple[Result, Result]]) -> None:
    bare_alone, bare_crowd = results[_BARE]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; a 300 B prompt")
    print("with an e-mail, a phone, a card and an SSN; load, gateway and provider share the cores\n")
    print("| | p50, c=1 | p99, c=1 | added p50 | added p99 | requests/s, c=16 | of bare |")
    print("|---|---|---|---|---|---|---|")
    for name, (alone, crowd) in results.items():
        print(
            f"| {name} | {alone.p50:.2f} ms | {alone.p99:.2f} ms | {alone.p50 - bare_alone.p50:.2f} ms "
            f"| {alone.p99 - bare_alone.p99:.2f} ms | {crowd.rate:.0f} | {crowd.rate / bare_crowd.rate:.3f} |"
        )


@contextmanager
def server(module: str, *arguments: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments], cwd=ROOT)
    try:
        await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def configured(engine: str, provider: int) -> Iterator[tuple[int, str, Path]]:
    """What a gateway of its own folder starts from: a free port, an agent's key, the configuration."""
    with tempfile.TemporaryDirectory(prefix="regate-bench-") as folder:
        port = free_port()
        config = Path(folder, "regate.yaml")
        config.write_text(
            _CONFIG.format(port=port, provider=provider, engine=engine, policies=ROOT / "policies/rego")
        )
        create = ["keys", "create", "--agent", "bench", "--owner", "bench", "--json"]
        said = subprocess.check_output([*REGATE, *create], env=environment(config), cwd=ROOT)
        yield port, json.loads(said)["key"], config


@contextmanager
def gateway(engine: str, provider: int) -> Iterator[tuple[int, str, Path]]:
    """A gateway, with fsync as in production: port, an agent's key, configuration."""
    with configured(engine, provider) as (port, key, config):
        process = subprocess.Popen(
            [*REGATE, "up", "--log-level", "error"],
            env=environment(config),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            await_port(port)
            yield port, key, config
        finally:
            process.terminate()
            process.wait()


def environment(config: Path) -> dict[str, str]:
    return {**os.environ, "REGATE_CONFIG": str(config)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {seconds:.0f} s")


if __name__ == "__main__":
    main()
