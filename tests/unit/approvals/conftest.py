"""A state file, a journal that keeps records in memory, and keys of people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals import Approvals, Binding
from gateway.audit.files.record import Record
from gateway.config.server_key import ServerKey
from gateway.contract.decision import ApprovalTerms
from gateway.errors import RecordingFailed
from gateway.identity import create_key
from gateway.state import Approval, ApprovalStore, KeyRow, Keys, Role, State, open_state
from gateway.words import Agent
from tests.support.contents import told

KEY = ServerKey(bytes(32))


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


class MemoryJournal:
    """Keeps records; `store` shows what was in effect when each was written."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.broken = False
        self.before: Callable[[Record], None] = lambda record: None

    async def record(self, record: Record) -> None:
        self.record_sync(record)

    def record_sync(self, record: Record) -> None:
        if self.broken:
            raise RecordingFailed("the disk is full")
        self.before(record)
        self.records.append(record)

    @property
    def events(self) -> list[str]:
        return [record.body["event"] for record in self.records]


class People:
    """Makes keys."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self.keys = keys
        self._clock = clock

    def __call__(
        self,
        owner: str,
        role: Role = "approver",
        groups: tuple[str, ...] = ("default",),
        expires_seconds: float | None = None,
    ) -> KeyRow:
        made, _ = create_key(
            self.keys,
            agent="somebody",
            owner=owner,
            role=role,
            groups=groups,
            now=self._clock(),
            expires_seconds=expires_seconds,
        )
        return made


class Asking:
    """Asks for approvals the way the gateway does, and fills in what a test does not care about."""

    def __init__(self, approvals: Approvals, binding: Binding) -> None:
        self._approvals = approvals
        self.binding = binding

    async def __call__(
        self,
        binding: Binding | None = None,
        *,
        summary: str = "user: <EMAIL_ADDRESS_abc234>",
        completion: bytes | None = None,
        **terms: object,
    ) -> Approval:
        return await self._approvals.hold(
            binding or self.binding,
            ApprovalTerms(**terms),  # type: ignore[arg-type]  # tests give keyword terms of either type
            revision="r1",
            exchange_id="ex_1",
            session_id="se_1",
            reasons=[
                {"rule": "bulk", "title": "Bulk export", "message": "", "severity": "high", "controls": []}
            ],
            contents=told(summary),
            completion=completion,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "regate.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = open_state(path)
    yield state
    state.close()


@pytest.fixture
def people(state: State, clock: Clock) -> People:
    return People(Keys(state), clock)


@pytest.fixture
def store(state: State, clock: Clock) -> ApprovalStore:
    return ApprovalStore(state, clock)


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
async def approvals(store: ApprovalStore, journal: MemoryJournal) -> AsyncIterator[Approvals]:
    approvals = Approvals(store, journal, KEY, poll_seconds=0.02, sweep_seconds=0.02)
    yield approvals
    await approvals.close()


@pytest.fixture
def binding(people: People) -> Binding:
    key = people("alice", role="agent")
    agent = Agent(id="coder", owner="alice", method="api_key", groups=("default",), key_id=key.id)
    return Binding(agent, "POST", "/v1/chat/completions", "", "openai", "request", "d1")


@pytest.fixture
def asking(approvals: Approvals, binding: Binding) -> Asking:
    return Asking(approvals, binding)


@pytest.fixture
def response(binding: Binding) -> Binding:
    return replace(binding, phase="response")
