"""Start `regate` by forking a process that has imported it: a real process, without its seconds of imports.

A test process starts one server. It imports the gateway and the commands, and forks for each command.
A command has its own environment, folder, arguments and files. It is `__main__`, as in `python -m cli.main`.
It ends like that, too: exit handlers run, and the client gets its exit code.

    client                          server                 monitor                  command
    connect, send what to run  →    fork a monitor    →    fork the command    →    python -m cli.main …
    read its pid               ←    …                 ←    its pid
    read its exit code         ←    …                 ←    wait for it         ←    exit
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)
# Variables that the interpreter or a library reads before our code runs: the server has read them already.
_EARLY = ("PYTHON", "LD_", "LC_", "LANG", "PROMETHEUS_")
_ALLOWED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}  # for what the command starts itself


class Command:
    """One running command: what `subprocess.Popen` is for a program."""

    def __init__(self, request: Mapping[str, Any], files: Sequence[int]) -> None:
        path = _server()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(path)
        data = json.dumps(request).encode() + b"\n"
        socket.send_fds(self._connection, [data[:1]], list(files))
        self._connection.sendall(data[1:])
        self._answers = self._connection.makefile("r")
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the command runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code once the command has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], seconds)[0]:
                raise subprocess.TimeoutExpired("regate", seconds or 0)
            self.returncode = int(self._answers.readline() or -signal.SIGKILL)
            self._answers.close()
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the command if it runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to the command if it runs."""
        self.send_signal(signal.SIGKILL)


class _Later(ModuleType):
    """A module that is imported when one of its attributes is first used."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if sys.modules[self.__name__] is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


def start(
    arguments: Sequence[str],
    output: tuple[int, int],
    *,
    folder: Path,
    environment: Mapping[str, str],
    session: bool = False,
) -> Command:
    """Start `regate …` with these files for standard output and error; `session` gives it one of its own."""
    early = {
        name for name in environment if name.startswith(_EARLY) and environment[name] != os.environ.get(name)
    }
    assert early <= _ALLOWED, f"{early} must be there before the interpreter starts"
    request = {
        "arguments": list(arguments),
        "folder": str(folder),
        "environment": dict(environment),
        "session": session,
    }
    with open(os.devnull, "rb") as nothing:
        return Command(request, (nothing.fileno(), *output))


def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, like `subprocess.run` with captured text. Raises TimeoutExpired."""
    with _text_file() as out, _text_file() as err:
        command = start(arguments, (out.fileno(), err.fileno()), folder=folder, environment=environment)
        try:
            code = command.wait(seconds)
        finally:
            command.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["regate", *arguments], code, out.read(), err.read())


def program() -> list[str]:
    """The program and first arguments that run `regate …` in the caller's folder, environment and files."""
    return [sys.executable, "-ES", str(Path(__file__).with_name("forked_command.py")), _server()]


def install(path: Path) -> None:
    """Write the same as a program for shells."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(program())} "$@"\n')
    path.chmod(0o755)


def _text_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@functools.cache
def _server() -> str:
    """Return the socket of this process's server, which is started once and ends with this process."""
    folder = tempfile.mkdtemp(prefix="regate-tests-")
    path = str(Path(folder) / "regate")
    command = [sys.executable, "-m", "tests.support.prefork", path]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )

    @atexit.register
    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        Path(path).unlink(missing_ok=True)
        Path(folder).rmdir()

    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the server of commands did not start"
    process.stdout.close()
    return path


def _serve(path: str) -> list[str]:
    """Fork for each request until standard input ends. Returns in the commands only: their arguments."""
    _import_all()
    assert len(os.listdir("/proc/self/task")) == 1, "an import started a thread"
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(128)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the monitors
    while sys.stdin not in (ready := select.select([listener, sys.stdin], [], [])[0]):
        assert ready == [listener]
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _monitor(connection)
        connection.close()
    os._exit(0)


def _monitor(connection: socket.socket) -> list[str]:
    """Fork the command, and tell the client its pid and, in the end, its exit code."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    first, files, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("r") as lines:
        request = json.loads(first.decode() + lines.readline())
    if (command := os.fork()) == 0:
        connection.close()
        _become(request, files)
        return list(request["arguments"])
    for file in files:
        os.close(file)
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"%d\n" % command)
    if sys.platform == "linux":
        ended = os.pidfd_open(command)
        if ended not in select.select([ended, connection], [], [])[0]:
            os.kill(command, signal.SIGKILL)  # its client is gone
    _, status = os.waitpid(command, 0)
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: dict[str, Any], files: Sequence[int]) -> None:
    die_with_parent()
    if request["session"]:
        os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])


def _import_all() -> None:
    """Import every module of the commands and of the gateway but those that are programs themselves."""
    sys.modules["duckdb"] = _Later("duckdb")  # importing it starts a thread, which a fork does not copy
    import cli
    import gateway

    for package in (cli, gateway):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("worker"):
                importlib.import_module(module.name)
    del sys.modules["cli.main"]  # the command runs it as `__main__`
    importlib.import_module("typer._adapters")  # a command imports it when it reads its arguments
    # what the detectors of a process share is made here: rules, openings of patterns, national registers
    importlib.import_module("gateway.detect").Detector(importlib.import_module("gateway.config").Detect())


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent goes (Linux; elsewhere the fixtures stop it)."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.argv = ["regate", *_serve(sys.argv[1])]
    runpy.run_module("cli.main", run_name="__main__", alter_sys=True)
