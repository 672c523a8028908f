"""A gateway as a process, in a folder of its own, before providers on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "policies/rego"
ALLOW_ALL = ROOT / "suites/allow_all"
_REGATE = [sys.executable, "-m", "cli.main"]
_PATIENCE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it listens, and the key of an agent."""

    url: str
    key: str


@contextmanager
def running(providers: Mapping[str, tuple[str, str]], policy: Path = SHIPPED) -> Iterator[Gateway]:
    """Run a gateway before `providers`: family and base URL by name."""
    with tempfile.TemporaryDirectory(prefix="regate-suites-") as folder:
        port = free_port()
        config = Path(folder, "regate.yaml")
        config.write_text(
            json.dumps(
                {
                    "listen": f"127.0.0.1:{port}",
                    "providers": {
                        name: {"family": family, "base_url": url, "credential": "env:UPSTREAM_KEY"}
                        for name, (family, url) in providers.items()
                    },
                    "policy": {"path": str(policy)},
                }
            )
        )
        env = {**os.environ, "REGATE_CONFIG": str(config), "UPSTREAM_KEY": "sk-of-the-provider"}
        create = [*_REGATE, "keys", "create", "--agent", "suites", "--owner", "suites", "--json"]
        key = json.loads(subprocess.check_output(create, env=env, cwd=ROOT))["key"]
        with process([*_REGATE, "up", "--log-level", "error"], port, env=env, cwd=ROOT):
            yield Gateway(f"http://127.0.0.1:{port}", key)


@contextmanager
def process(
    command: list[str], port: int, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[None]:
    """Run a server until it listens on `port`, and end it afterwards."""
    started = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not _listens(port):
            if started.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(command[:3])} does not listen on port {port}")
            time.sleep(0.05)
        yield
    finally:
        started.terminate()
        started.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
