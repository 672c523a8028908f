"""A child process of the gateway's: it dies with it, sees none of its secrets, and is stopped for sure."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from gateway.processes import launch

# Provider credentials come by environment, and Rego can read the environment (opa.runtime()).
_PASSED_ON = ("HOME", "XDG_CACHE_HOME", "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")
_STOP_SECONDS = 2.0


async def spawn(program: Path, *arguments: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
    """Start `program` with pipes for stdin, stdout and stderr. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        launch.__file__,
        str(os.getpid()),
        str(program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, insist after two seconds, and wait until it is gone."""
    if process.stdin:
        process.stdin.close()
    if process.returncode is None:
        _signal(process, kill=False)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            kill(process)
    await process.wait()


def kill(process: asyncio.subprocess.Process) -> None:
    """End it now."""
    if process.returncode is None:
        _signal(process, kill=True)


def _signal(process: asyncio.subprocess.Process, *, kill: bool) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        process.kill() if kill else process.terminate()
