"""An audit folder, its key, and ways to fill it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseServer
from typing import Any, ClassVar

import pytest

from gateway.audit import Journal, Record, Sealer, new_writer
from gateway.audit.files.folder import Folder
from gateway.audit.reading.sql import query
from gateway.audit.sealing.plan import End, SealReport, Voucher
from gateway.audit.sealing.seal import SealingFailed
from gateway.audit.sealing.worker import write_files
from gateway.audit.verifying.report import Verification
from gateway.audit.verifying.verification import verify


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Let a server answer in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class SealerHere(Sealer):
    """Writes Parquet in this process: a child takes longer to start than most tests do."""

    def _write(
        self,
        ends: Mapping[str, tuple[int, End]],
        files: Sequence[Sequence[str]],
        writers: Mapping[str, Voucher],
    ) -> Iterable[SealReport]:
        reached = {writer: end for writer, (_, end) in ends.items()}
        try:
            return list(write_files(self._folder, reached, files, writers))
        except Exception as error:  # of any kind: a child would end with it
            raise SealingFailed(str(error)) from error


class Evidence:
    """One audit folder under test; the tests of sealing itself have it sealed as gateways do, in a child."""

    sealed_by: ClassVar[type[Sealer]] = SealerHere

    def __init__(self, base: Path) -> None:
        self.root = base / "audit"
        self.key = base / "state" / "evidence.key"
        self.folder = Folder(self.root)
        self.journals: list[Journal] = []

    def journal(self, **options: Any) -> Journal:
        """A started journal; closed behind the test."""
        journal = Journal(self.root, new_writer(), key=self.key, **options)
        journal.start()
        self.journals.append(journal)
        return journal

    def record(self, number: int) -> None:
        """Record one decision, by a writer of its own that ends."""
        journal = self.journal()
        journal.record_sync(decision(number))
        journal.close()

    def sealer(
        self,
        settle: float = 0,
        bury: float = 3600,
        gather: float = 0,
        *,
        published: bool = False,
        **options: Any,
    ) -> Sealer:
        """A started sealer: small segments wait for nothing, and `published` has it write `audit.duckdb`."""
        sealer = self.sealed_by(
            self.root,
            key=self.key,
            settle_seconds=settle,
            bury_seconds=bury,
            gather_seconds=gather,
            **options,
        )
        with pytest.MonkeyPatch.context() as without:
            if not published:  # which takes longer than most tests do
                without.setattr("gateway.audit.reading.views.publish", lambda folder: None)
            sealer.start()
        return sealer

    def verify(self, **options: Any) -> Verification:
        return verify(self.root, self.key.with_suffix(".pub"), **options)

    def rows(self, sql: str, *parameters: Any) -> list[list[Any]]:
        with query(self.root, sql, parameters) as result:
            return list(result.rows)

    def live(self) -> Path:
        """The one live segment."""
        (path,) = self.folder.live_files()
        return path

    def sealed(self) -> Path:
        (path,) = self.folder.sealed_files()
        return path


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    made = Evidence(tmp_path)
    yield made
    for journal in made.journals:
        journal.close()


@pytest.fixture
def written(evidence: Evidence) -> Evidence:
    """Ten records in one closed segment."""
    journal = evidence.journal()
    for number in range(10):
        journal.record_sync(decision(number))
    journal.close()
    return evidence


def decision(number: int, **fields: Any) -> Record:
    """A decision that says its number in several places."""
    defaults: dict[str, Any] = {
        "kind": "decision",
        "exchange_id": f"ex_{number}",
        "session_id": f"se_{number % 3}",
        "decision_id": f"de_{number}",
        "agent": "billing",
        "phase": "request",
        "action": "allow",
        "body": {"number": number},
    }
    return Record(**{**defaults, **fields})


Decide = Callable[..., Record]
