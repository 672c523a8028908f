"""Starts child processes that die with the gateway, see none of its secrets, and end for sure.

`spawn` is for asyncio, `run` and `running` block. Three children are started elsewhere: the gateway's own
workers (`gateway/serve.py`), which need its environment and its socket, and the pools of `multiprocessing`
(`audit/verifying/pool.py`, `cli/rego_tests.py`), which pass Python objects.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.processes import launch

if TYPE_CHECKING:
    import asyncio

# Provider credentials come by environment, and Rego can read the environment (opa.runtime()).
_PASSED_ON = ("HOME", "XDG_CACHE_HOME", "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")
_STOP_SECONDS = 2.0


async def spawn(program: Path, *arguments: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
    """Start `program` with pipes for stdin, stdout and stderr. Raises OSError."""
    import asyncio  # here: what is started with `run` does without, and its 40 ms

    return await asyncio.create_subprocess_exec(
        *_command(program, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=passed_on(),
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, kill it after two seconds or when canceled, and wait until it is gone."""
    import asyncio

    if process.stdin:
        process.stdin.close()
    terminate(process)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except BaseException as error:
        kill(process)
        await process.wait()
        if not isinstance(error, TimeoutError):
            raise
    finally:
        process._transport.close()  # type: ignore[attr-defined]  # its pipes too, without waiting for them
        await asyncio.sleep(0)


def terminate(process: asyncio.subprocess.Process) -> None:
    """Ask a process that still runs to end; does not wait for its end."""
    _signal(process, signal.SIGTERM)


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a process that still runs; does not wait for its end."""
    _signal(process, signal.SIGKILL)


def run(
    program: Path | str,
    *arguments: str | Path,
    stdin: bytes = b"",
    seconds: float | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `program` to its end and return its exit code and output; a bare name is searched on PATH.

    Raises OSError where it cannot be run, TimeoutExpired after `seconds`; it is killed then.
    """
    ended = subprocess.run(  # noqa: S603 - no shell; the caller names the program
        _command(program, arguments),
        input=stdin,
        capture_output=True,
        timeout=seconds,
        check=False,
        env=passed_on() if env is None else env,
    )
    if ended.returncode == launch.NOT_RUN and ended.stderr.startswith(launch.MARK):
        number = int(ended.stderr.removeprefix(launch.MARK))
        raise OSError(number, os.strerror(number), str(program))
    return ended


@contextlib.contextmanager
def running(
    program: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `program` during the block, with pipes for stdin and stdout; kill it at the end. Raises OSError.

    It dies with the thread that entered the block, too.
    """
    with subprocess.Popen(  # noqa: S603 - no shell; the caller names the program
        _command(program, arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=passed_on() if env is None else env,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def passed_on() -> dict[str, str]:
    """Return what children see of the environment."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _command(program: Path | str, arguments: tuple[str | Path, ...]) -> list[str]:
    named = program if isinstance(program, str) else os.path.abspath(program)  # the child searches PATH
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), named, *map(str, arguments)]


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal past `process.send_signal`, which can lose the exit code of a process that just ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
