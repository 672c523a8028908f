"""The real gateway as a process: configured in a folder of its own, run and asked as its users do."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import duckdb
import yaml

from gateway.audit.files.folder import Folder
from gateway.audit.reading.views import create_views
from gateway.identity import create_key
from gateway.state import Keys, Role, open_state
from gateway.words import KeyScope
from tests.support import prefork
from tests.support.configuration import any_engine, configuration
from tests.support.prefork import ROOT
from tests.support.scripted import ScriptedProvider
from tests.support.values import CREDENTIAL
from tests.support.waiting import PATIENCE_SECONDS


@contextlib.contextmanager
def shipped_gateway(scripted: ScriptedProvider, folder: Path) -> Iterator[GatewayProcess]:
    """A running gateway with the shipped policy before a provider that says what a test wants."""
    process = GatewayProcess(folder, configuration(scripted.url, engine=any_engine()))
    try:
        yield process.start()
    finally:
        process.kill()


class DidNotStart(AssertionError):
    """The gateway ended before it listened; `code` is its exit code, `log` what it said."""

    def __init__(self, code: int | None, log: str) -> None:
        super().__init__(f"the gateway ended with {code}:\n{log}")
        self.code, self.log = code, log


@dataclass(slots=True)
class GatewayProcess:
    """One gateway in `folder`. Its keys, state and evidence live there; what it says is in `log`."""

    folder: Path
    config: dict[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    process: prefork.Command | None = None

    def start(self, *options: str, seconds: float = PATIENCE_SECONDS) -> GatewayProcess:
        """Start it with options of `up`, and wait until it listens. Raises DidNotStart."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()
        before = len(self.said())
        with self._output("stdout") as out, self._output("stderr") as err:
            self.process = prefork.start(
                ["up", *(options if "--demo" in options else ("--no-demo", *options))],
                (out.fileno(), err.fileno()),
                folder=ROOT,
                environment=self._environment(),
                session=True,
            )
        deadline = time.monotonic() + seconds
        while "/console\n" not in (said := self.said()[before:]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                code = self.process.poll()
                self.kill()
                raise DidNotStart(code, self.log())
            time.sleep(0.02)
        self.url = said.split("listening on ")[1].split()[0]
        return self

    def configure(self) -> None:
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def stop(self) -> int:
        """SIGTERM, and its exit code once it has drained."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the gateway and whatever it started."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(ProcessLookupError):  # its own session: nothing of anybody else is in it
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def cli(
        self, *arguments: str, key: str = "", seconds: float = PATIENCE_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run `regate …` on this gateway's files, as another process; nothing is raised for its exit code."""
        return prefork.run(
            arguments,
            folder=ROOT,
            environment=self._environment() | ({"REGATE_KEY": key} if key else {}),
            seconds=PATIENCE_SECONDS,
        )

    def run(self, *arguments: str, key: str = "") -> str:
        """The same, when it has to succeed: what it printed."""
        done = self.cli(*arguments, key=key)
        assert done.returncode == 0, f"regate {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def create_key(
        self,
        agent: str,
        owner: str,
        *,
        group: str = "default",
        role: Role = "agent",
        delegate: bool = False,
        **scope: Any,
    ) -> str:
        """A new API key. It is made here: `regate keys create` would take ten times as long."""
        state = open_state(self.state)
        try:
            options: dict[str, Any] = {"groups": (group,), "role": role, "delegate": delegate}
            options["scope"] = KeyScope(**scope)
            return create_key(Keys(state), agent=agent, owner=owner, now=time.time(), **options)[1]
        finally:
            state.close()

    def query(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows of the audit views, read by this process beside the running gateway."""
        rows = _views(self.audit).cursor().execute(sql, parameters)
        names = [column[0] for column in rows.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]

    def closing(self, exchange_id: str) -> dict[str, Any]:
        """The record that closed the exchange; it is queued, so it may take a moment."""
        found = self.await_rows(
            "SELECT * FROM stored.records WHERE exchange_id = ? AND kind IN ('completion', 'refusal')",
            exchange_id,
        )
        assert len(found) == 1, found
        return found[0]

    def await_rows(
        self,
        sql: str,
        *parameters: object,
        enough: Callable[[Sequence[Any]], bool] = bool,
        seconds: float = PATIENCE_SECONDS,
    ) -> list[dict[str, Any]]:
        """The rows once they are `enough`; what there is when the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            before, asked = _sizes(self.audit), time.monotonic()
            if enough(rows := self.query(sql, *parameters)) or asked > deadline:
                return rows
            # a question takes long: not before the evidence has grown, or a row may be due
            while _sizes(self.audit) == before and time.monotonic() < asked + 1:
                time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Of the running gateway."""
        assert self.process is not None, "it does not run"
        return self.process.pid

    @property
    def config_file(self) -> Path:
        return self.folder / "regate.yaml"

    @property
    def audit(self) -> Path:
        return self.folder / str(self.config.get("audit", {}).get("path", "audit"))

    @property
    def state(self) -> Path:
        return self.folder / str(self.config["state"]).removeprefix("sqlite:///")

    def said(self) -> str:
        path = self.folder / "stdout"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def log(self) -> str:
        path = self.folder / "stderr"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def written(self) -> dict[str, bytes]:
        """Every file that the gateway wrote, its evidence, state and output, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path != self.config_file and "policy" not in path.parts[:-1]
        }

    def _output(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("ab")

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "REGATE_OPA", "VIRTUAL_ENV")
        own = {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REGATE_CONFIG": str(self.config_file),
            "UPSTREAM_KEY": CREDENTIAL,
            "NO_COLOR": "1",
        }
        return {name: os.environ[name] for name in kept if name in os.environ} | own | dict(self.environment)


@functools.lru_cache(maxsize=8)
def _views(audit: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with the views of evidence: to make them takes longer than most questions."""
    connection = duckdb.connect()
    create_views(connection, Folder(audit))
    return connection


def _sizes(audit: Path) -> list[tuple[str, int]]:
    """Return the files of evidence with their sizes."""
    with contextlib.suppress(FileNotFoundError):  # a segment that was sealed meanwhile
        return sorted((str(path), path.stat().st_size) for path in audit.rglob("*"))
    return []
