"""Running the gateway: one worker in this process, or several behind one listening socket."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import logging
import math
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, cast

import uvicorn
import uvloop

from gateway.config import Config
from gateway.errors import ConfigError
from gateway.http.app import create_app, open_worker
from gateway.http.head import BoundedHttpProtocol
from gateway.http.renewed import RenewedContext
from gateway.observe import forget_worker
from gateway.processes import terminate

_BACKLOG = 2048
_OTHER_FILES = 256  # journal, state, policy, pipes to helpers
_STEADY_SECONDS = 20  # a worker that ran so long did not fail at its start
_RESTART_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
_HANDSHAKE_SECONDS = 10.0
_PARTING_SECONDS = 5.0  # in which a client answers the end of TLS
_SUPERVISOR = "REGATE_SUPERVISOR"
_PR_SET_PDEATHSIG = 1  # prctl(2)
EXIT_CONFIG = 2  # a worker that ends so will not do better when it is started again
_log = logging.getLogger("regate.serve")


class _Loop(uvloop.Loop):
    """The event loop, whose servers wait shortly for a handshake: until then no connection is counted."""

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.AbstractServer:  # type: ignore[override]  # as the loop of uvloop does
        """Open a server."""
        if options.get("ssl"):
            options |= {"ssl_handshake_timeout": _HANDSHAKE_SECONDS, "ssl_shutdown_timeout": _PARTING_SECONDS}
        return await super().create_server(*arguments, **options)


def listen(config: Config) -> socket.socket:
    """Bind the address of the configuration. Raises ConfigError when it is taken."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        remedy = "end what listens there, or change `listen` in regate.yaml"
        raise ConfigError(f"cannot listen on {config.listen}: {error.strerror}; {remedy}") from error
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def run_worker(config: Config, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then drain: what is under way finishes or is recorded as canceled.

    `ready` is called once requests are answered. Raises ConfigError when the worker cannot start safely.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_serve(config, listener, ready))


async def _serve(config: Config, listener: socket.socket, ready: Callable[[], None]) -> None:
    with _stop_signal() as stopped:
        async with open_worker(config) as parts:
            settings = uvicorn.Config(
                create_app(config, parts),
                loop="none",
                http=_protocol(config.limits.connections),
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                proxy_headers=False,  # a header is a claim; `trusted_proxies` says whose counts
                server_header=False,
                timeout_keep_alive=math.ceil(config.limits.idle_seconds),
                timeout_graceful_shutdown=max(1, int(config.limits.drain_seconds)),
            )
            settings.load()
            if config.listen_tls:
                settings.ssl = RenewedContext(config.listen_tls, config.root)
            server = uvicorn.Server(settings)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            stopping = asyncio.create_task(stopped.wait())
            while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            # What was loaded stays: a full collection would walk all of it and stall every exchange.
            gc.collect()
            gc.freeze()
            ready()
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
            stopping.cancel()


def _protocol(connections: int) -> type[asyncio.Protocol]:
    """Return the protocol of one worker, whose process may then open as many files as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _OTHER_FILES  # each connection may need one to a provider
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            _log.warning(
                "limits.connections: %d need %d open files, and %d are allowed", connections, wanted, hard
            )
    return cast("type[asyncio.Protocol]", functools.partial(BoundedHttpProtocol, connections=connections))


@contextlib.contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM or SIGINT sets, also while the worker is starting or closing.

    uvicorn puts its own handlers in front and raises what it caught again once it has drained; these take it.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(stopped.set)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drain_with_parent() -> None:
    """Let the kernel send this worker a SIGTERM when its supervisor ends, which would have restarted it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.environ.get(_SUPERVISOR) != str(os.getppid()):
        raise ConfigError("the supervisor of this worker is gone")


def run_workers(
    config: Config, listener: socket.socket, command: list[str], ready: Callable[[], None] = lambda: None
) -> int:
    """Keep `workers` processes running behind one socket: `command` plus `--fd N`. Returns the exit code.

    `ready` is called once SIGTERM and SIGINT stop the workers before they stop this process.
    """
    folder = tempfile.mkdtemp(prefix="regate-metrics-")
    os.environ |= {"PROMETHEUS_MULTIPROC_DIR": folder, _SUPERVISOR: str(os.getpid())}
    try:
        return asyncio.run(
            _supervise(config.workers, [*command, "--fd", str(listener.fileno())], listener, ready)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _supervise(
    count: int, command: list[str], listener: socket.socket, ready: Callable[[], None]
) -> int:
    with _stop_signal() as stopped:
        ready()
        keepers = [asyncio.create_task(_keep(command, listener, stopped)) for _ in range(count)]
        codes = await asyncio.gather(*keepers)
    return max(codes)


async def _keep(command: list[str], listener: socket.socket, stopped: asyncio.Event) -> int:
    """Run one worker, again and again with a growing pause, until it is told to stop.

    A configuration that cannot be used ends all workers at the first start. When an edit breaks it later,
    the workers that run go on, and this one is tried again.
    """
    failures = 0
    while True:
        started = asyncio.get_running_loop().time()
        code = await _run_one(command, listener, stopped)
        if code == EXIT_CONFIG and failures == 0 and not _lived(started):
            stopped.set()
        if stopped.is_set():
            return max(code, 0)
        failures = 1 if _lived(started) else failures + 1
        _log.error("a worker ended and is started again", extra={"exit_code": code})
        pause = _RESTART_SECONDS[min(failures, len(_RESTART_SECONDS)) - 1]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stopped.wait()


async def _run_one(command: list[str], listener: socket.socket, stopped: asyncio.Event) -> int:
    worker = await asyncio.create_subprocess_exec(*command, pass_fds=[listener.fileno()])
    exited, stopping = asyncio.create_task(worker.wait()), asyncio.create_task(stopped.wait())
    await asyncio.wait([exited, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stopped.is_set():
        terminate(worker)
    code = await exited
    stopping.cancel()
    forget_worker(worker.pid)
    return code


def _lived(started: float) -> bool:
    return asyncio.get_running_loop().time() - started > _STEADY_SECONDS
