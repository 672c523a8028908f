"""`python -m tests.support.fuzzing 10000`: exchanges of a grammar against a gateway, each one judged.

It never says 500, logs no traceback, does not hang, refuses in the documented shape, records each refusal.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from hypothesis import HealthCheck, Phase, example, given, settings

from gateway.audit import Record
from gateway.config import load_config
from gateway.http.app import Worker, create_app, open_worker
from gateway.identity import create_key
from tests.support.configuration import SHIPPED
from tests.support.endpoints import ENDPOINTS
from tests.support.grammar import ADMIN, Case, cases
from tests.support.prefork import ROOT
from tests.support.served import Got, RawProvider, Reply, Sent, raw_provider, send, served

_FAMILIES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
    "tools": "mcp",
}
_CODES = frozenset(re.findall(r"`([a-z_]+)`", (ROOT / "docs/reference/errors.md").read_text("utf-8")))
_ADMIN_CODES = _CODES | frozenset(
    re.findall(r"`([a-z_]+)`", (ROOT / "docs/reference/admin-api.md").read_text("utf-8"))
)

_ANSWER = json.dumps(ENDPOINTS["embeddings"].said).encode()
# What any run begins with, for a gateway that refused all would have no flaw.
_HONEST = Case(
    ENDPOINTS["embeddings"].sent(),
    Reply(200, [("content-type", "application/json"), ("content-length", str(len(_ANSWER)))], [_ANSWER]),
    -1,
)

_MOST_SHOWN = 10
_HEAD = {"transfer-encoding", "content-length", "upgrade", "connection"}


class Faults(logging.Handler):
    """Keeps what is logged as an error, or with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.lines.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


@dataclass(slots=True)
class Judge:
    """A running gateway, a provider that does what it is told, and what is expected of both."""

    url: str
    provider: RawProvider
    key: str
    admin: str
    faults: Faults
    recorded: set[str]  # the exchanges that have records
    tally: Counter[str] = field(default_factory=Counter)

    async def judge(self, case: Case) -> None:
        """Send a request, and raise AssertionError when something is not as it is documented."""
        self.provider.reply, self.provider.drops = case.reply, case.drops
        asked = self.provider.count
        is_admin = case.sent.target.startswith(ADMIN)
        key = ("authorization", f"Bearer {self.admin if is_admin else self.key}")
        sent = Sent(case.sent.method, case.sent.target, [*case.sent.headers, key], case.sent.body)
        got = await send(self.url, sent, lenient=True)
        self.tally[str(got.status)] += 1
        said = (sent, case.reply, got)
        assert not self.faults.lines, (self.faults.lines, said)
        was_asked = self.provider.count > asked
        assert got.status != 500 or (was_asked and case.reply.status == 500), said
        assert b'"internal_error"' not in got.body, said
        if got.status == 400 and _HEAD & dict(sent.headers).keys() and "x-regate" not in str(got.headers):
            return  # no HTTP that is read in one way: refused as a text, before there is an exchange
        exchange = got.header("x-regate-exchange-id")
        if is_admin:
            self._check_error(got, _ADMIN_CODES, said)
        elif exchange and not was_asked:
            self._check_error(got, _CODES, said)
        if exchange:
            assert exchange in self.recorded, said

    def _check_error(self, got: Got, codes: frozenset[str], said: Any) -> None:
        """Check that a refusal has the documented shape."""
        if got.status < 400 or said[0].method == "HEAD":
            return
        assert got.body.startswith(b"{"), said
        document = json.loads(got.body)
        error = document["error"] if isinstance(document["error"], dict) else document
        assert isinstance(error["message"], str), said
        found = {error.get("code"), *(one["reason"] for one in error.get("details", ())), *_data(error)}
        assert found & codes, said


def _data(error: dict[str, Any]) -> list[str]:
    return [error["data"]["code"]] if isinstance(error.get("data"), dict) else []


@asynccontextmanager
async def judging(folder: Path) -> AsyncIterator[Judge]:
    """Open a gateway with the shipped policy."""
    with mock.patch.dict(os.environ, {"UPSTREAM_KEY": "sk-of-the-provider"}):
        async with raw_provider() as provider:
            config = {
                "listen": "127.0.0.1:0",
                "providers": {
                    name: {"family": family, "base_url": provider.url, "credential": "env:UPSTREAM_KEY"}
                    for name, family in _FAMILIES.items()
                },
                "policy": {"engine": "embedded", "path": str(SHIPPED)},
                "audit": {"path": "audit"},
                "state": "sqlite:///state/regate.db",
                "limits": {"read_seconds": 5},
            }
            file = folder / "regate.yaml"
            file.write_text(yaml.safe_dump(config))
            loaded = load_config(file)
            async with open_worker(loaded) as worker:
                recorded = _watched(worker)
                now = time.time()
                _, key = create_key(worker.keys, agent="agent", owner="ana", now=now)
                _, admin = create_key(worker.keys, agent="admin", owner="eve", role="admin", now=now)
                faults = Faults()
                logging.getLogger().addHandler(faults)
                try:
                    async with served(create_app(loaded, worker)) as url:
                        yield Judge(url, provider, key, admin, faults, recorded)
                finally:
                    logging.getLogger().removeHandler(faults)


def _watched(worker: Worker) -> set[str]:
    """Return the exchanges that the journal gets records of, from now on."""
    recorded: set[str] = set()
    journal, queue = worker.journal, worker.journal._submit

    def submit(record: Record, done: Any) -> Any:
        recorded.add(record.exchange_id)
        return queue(record, done)

    enqueue = journal.enqueue

    def enqueued(record: Record) -> None:
        recorded.add(record.exchange_id)
        enqueue(record)

    journal._submit, journal.enqueue = submit, enqueued  # type: ignore[method-assign]
    return recorded


def fuzz(folder: Path, count: int) -> Counter[str]:
    """Judge so many exchanges; return how many had which status. Raises AssertionError with the flaws."""
    with asyncio.Runner() as runner:
        opened = judging(folder)
        judge = runner.run(opened.__aenter__())

        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=[*HealthCheck],
        )
        @given(cases())
        @example(_HONEST)
        def check(case: Case) -> None:
            try:
                runner.run(judge.judge(case))
            except AssertionError as error:
                flaws.append(f"{error}")
                judge.faults.lines.clear()

        flaws: list[str] = []
        try:
            check()
        finally:
            runner.run(opened.__aexit__(None, None, None))
        assert not flaws, f"{len(flaws)} flaws: " + "\n".join(flaws[:_MOST_SHOWN])
        return judge.tally


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        began = time.monotonic()
        told = fuzz(Path(made), int(sys.argv[1]))
        print(f"{told.total()} exchanges in {time.monotonic() - began:.0f} s: {dict(sorted(told.items()))}")
