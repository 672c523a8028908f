"""A gateway listens or says why not; its workers share one socket, and are started again when they fail."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import Config, ListenTls, Provider
from gateway.errors import ConfigError
from gateway.http.renewed import RenewedContext
from gateway.serve import EXIT_CONFIG, _Loop, listen, run_workers
from tests.support.certificates import Authority

DEMO = {"demo": Provider("openai", "builtin:demo")}
# notes that it runs, on which port and for which supervisor
NOTE = (
    "import os, signal, socket, sys\n"
    "port = socket.socket(fileno=int(sys.argv[sys.argv.index('--fd') + 1])).getsockname()[1]\n"
    "with open(sys.argv[1], 'a') as file:\n"
    "    print(port, os.environ['REGATE_SUPERVISOR'], file=file)\n"
)
END_ALL = "os.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()\n"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what a supervisor sets for its workers."""
    for name in ("PROMETHEUS_MULTIPROC_DIR", "REGATE_SUPERVISOR"):
        monkeypatch.setenv(name, "")


def config(listen: str = "127.0.0.1:0", workers: int = 1) -> Config:
    return Config(providers=DEMO, listen=listen, workers=workers)


def ran(code: str, folder: Path, workers: int = 1) -> tuple[int, list[list[str]]]:
    """Return how `workers` of this program ended, and what they noted: the same port and supervisor."""
    notes = folder / "notes"
    with listen(config(workers=workers)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-c", NOTE + code, str(notes)]
        ended = run_workers(config(workers=workers), listener, command)
    noted = [line.split() for line in notes.read_text().splitlines()]
    assert noted == [[str(port), str(os.getpid())]] * len(noted)
    return ended, noted


def test_a_connection_is_taken_on_the_configured_address() -> None:
    with listen(config()) as listener, socket.create_connection(listener.getsockname()[:2]) as client:
        assert client.getpeername() == listener.getsockname()


def test_an_address_that_is_taken_is_said() -> None:
    with listen(config()) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {address}"):
            listen(config(address))


def test_workers_that_cannot_use_the_configuration_end_the_gateway(tmp_path: Path) -> None:
    code, noted = ran(f"sys.exit({EXIT_CONFIG})\n", tmp_path, workers=2)
    assert code == EXIT_CONFIG
    assert noted


def test_a_worker_that_fails_is_started_again_and_a_signal_ends_all(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    first_fails = "if len(open(sys.argv[1]).readlines()) == 1:\n    sys.exit(1)\n"
    code, noted = ran(first_fails + END_ALL, tmp_path)
    assert (code, len(noted)) == (0, 2)
    assert signal.getsignal(signal.SIGTERM) == before
    assert not Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).exists()


def test_a_signal_right_after_the_greeting_ends_all_in_order() -> None:
    """What reads the greeting may stop the gateway at once: it must not be killed by that."""
    with listen(config(workers=2)) as listener:
        command = [sys.executable, "-c", "import signal; signal.pause()"]
        ended = run_workers(
            config(workers=2), listener, command, lambda: os.kill(os.getpid(), signal.SIGTERM)
        )
    assert ended == 0


def test_a_worker_without_its_supervisor_does_not_start() -> None:
    code = "from gateway.serve import drain_with_parent; drain_with_parent()"
    ended = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "REGATE_SUPERVISOR": supervisor},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        for supervisor in (str(os.getpid()), "1")
    ]
    assert ended[0].returncode == 0, ended[0].stderr
    assert "the supervisor of this worker is gone" in ended[1].stderr


def test_a_client_that_begins_no_handshake_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no connection yet, so nothing else bounds how many of them there are."""
    monkeypatch.setattr("gateway.serve._HANDSHAKE_SECONDS", 0.1)
    Authority(tmp_path).issue("server")
    settings = ListenTls(certificate="server.pem", key="server.key")

    async def wait() -> bytes:
        loop = asyncio.get_running_loop()
        context = RenewedContext(settings, tmp_path)
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        async with server, asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            ended = await reader.read()
            writer.close()
        return ended

    with asyncio.Runner(loop_factory=_Loop) as runner:
        assert runner.run(wait()) == b""
