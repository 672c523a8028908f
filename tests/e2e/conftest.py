"""One fake provider and a few real gateways for all end-to-end tests; every process ends with them."""

from __future__ import annotations

import itertools
import string
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.configuration import (
    ENGINES,
    any_engine,
    configuration,
    need_engine,
    policy_copy,
)
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring, cut_keys
from tests.support.scripted import ScriptedProvider
from tests.support.waiting import PATIENCE_SECONDS

RULES = Path(__file__).parents[1] / "support" / "e2e.rego"
Launch = Callable[..., GatewayProcess]
_COUNT = itertools.count()


@pytest.fixture(scope="session")
def running_provider() -> Iterator[FakeProvider]:
    provider = FakeProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(running_provider: FakeProvider) -> FakeProvider:
    """The fake provider, with nothing received yet."""
    running_provider.forget()
    return running_provider


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedProvider]:
    """A provider that says what a test wants."""
    provider = ScriptedProvider()
    yield provider
    provider.close()


@pytest.fixture(scope="session", params=ENGINES)
def gateway(
    request: pytest.FixtureRequest, running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway with the shipped policy, once with each engine."""
    engine = need_engine(request.param)
    folder = tmp_path_factory.mktemp(f"gateway-{engine}")
    process = GatewayProcess(folder, configuration(running_provider.url, engine=engine)).start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def key(gateway: GatewayProcess) -> str:
    """An agent's key for `gateway`."""
    return gateway.create_key("agent-one", "ana", group="default")


@pytest.fixture(scope="session")
def other_key(gateway: GatewayProcess) -> str:
    """The key of another agent for `gateway`."""
    return gateway.create_key("agent-two", "ana")


@pytest.fixture(scope="session")
def governed(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway whose policy also does what the agents' groups ask for (`tests/support/e2e.rego`).

    Completions on its approval list wait half a second for people.
    """
    process = _with_test_policy(
        running_provider, tmp_path_factory.mktemp("governed"), wait_seconds=0.5, read_seconds=2
    )
    yield process
    process.kill()


@pytest.fixture(scope="session")
def keys(governed: GatewayProcess) -> Keyring:
    """Keys for `governed`: an agent for each group, all of one owner, and the people around them."""
    return cut_keys(governed)


@pytest.fixture(scope="session")
def patient(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """The same, where completions wait for 45 seconds and held streams get a comment every 0.2 seconds.

    A provider may pause for as long as the default lets it.
    """
    folder = tmp_path_factory.mktemp("patient")
    process = _with_test_policy(running_provider, folder, wait_seconds=45, hold={"keepalive_seconds": 0.2})
    yield process
    process.kill()


@pytest.fixture(scope="session")
def patient_keys(patient: GatewayProcess) -> Keyring:
    """Keys for `patient`."""
    return cut_keys(patient)


@pytest.fixture
def launch(provider: FakeProvider, tmp_path: Path) -> Iterator[Launch]:
    """Start gateways that one test may break. They are killed after it."""
    started: list[GatewayProcess] = []

    def start(
        *, engine: str = "", environment: dict[str, str] | None = None, **changes: Any
    ) -> GatewayProcess:
        config = configuration(provider.url, engine=engine or any_engine(), **changes)
        process = GatewayProcess(tmp_path / f"gateway-{len(started)}", config, environment or {})
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """A plain client, for what no SDK would send."""
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def many() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests that wait."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield pool


@pytest.fixture
def words() -> str:
    """Words that no other test uses: no prompt is taken for another's. No digits, so nothing to detect."""
    number, letters = next(_COUNT), []
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters.append(string.ascii_lowercase[letter])
    return "talk of " + "".join(letters) + " things"


def _with_test_policy(
    provider: FakeProvider, folder: Path, *, wait_seconds: float, read_seconds: int = 600, **changes: Any
) -> GatewayProcess:
    denied = {"action": "deny"}
    groups: dict[str, Any] = {
        "denies": {"entities": {"EMAIL_ADDRESS": {"request": denied, "response": denied}}},
        "one-model": {"models": ["permitted*"]},
        "one-provider": {"providers": ["demo"]},
    }
    settings = {"groups": groups, "approval": {"wait_seconds": wait_seconds}}
    limits = {"body_bytes": 1024 * 1024, "response_bytes": 4 * 1024 * 1024, "read_seconds": read_seconds}
    config = configuration(
        provider.url,
        engine=any_engine(),
        policy=policy_copy(folder, settings, {"e2e.rego": RULES.read_text()}),
        limits=limits,
        **changes,
    )
    return GatewayProcess(folder, config).start()


@dataclass(frozen=True, slots=True)
class Disk:
    """A small file system of its own."""

    path: Path

    def fill(self) -> None:
        with (self.path / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def empty(self) -> None:
        (self.path / "filler").unlink()

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
