"""One yes is spent once, whoever tries at the same time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.approvals import Approvals, VerdictRefused, decide
from gateway.approvals.transitions import use
from gateway.state import ApprovalStore, open_state

if TYPE_CHECKING:
    from tests.unit.approvals.conftest import Asking, MemoryJournal, People

_SPENDER = """
import pathlib, sys
from gateway.approvals.transitions import use
from gateway.state import ApprovalStore, open_state

state = open_state(pathlib.Path(sys.argv[1]))
store = ApprovalStore(state, now=lambda: float(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
spent = []
for approval_id in sys.argv[3:]:
    with store.write() as rows:
        if use(rows, lambda record: None, approval_id, ""):
            spent.append(approval_id)
print(" ".join(spent))
state.close()
"""


@pytest.fixture
async def approved(asking: Asking, approvals: Approvals, people: People) -> list[str]:
    """Ids of approvals that may be used."""
    bob, ids = people("bob"), []
    for number in range(20):
        approval = await asking(replace(asking.binding, digest=f"d{number}"))
        await approvals.decide(approval.id, bob, "approve", "")
        ids.append(approval.id)
    return ids


def test_threads(approved: list[str], path: Path, store: ApprovalStore, journal: MemoryJournal) -> None:
    journal.records.clear()

    def spend(approval_id: str) -> bool:
        with store.write() as rows:
            return use(rows, journal.record_sync, approval_id, "")

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(spend, approved * 4)) == len(approved)
    assert sorted(record.approval_id for record in journal.records) == sorted(approved)


def test_processes(approved: list[str], path: Path, store: ApprovalStore) -> None:
    with store.read() as rows:
        now = rows.now
    command = [sys.executable, "-c", _SPENDER, str(path), str(now), *approved]
    spenders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for spender in spenders:
        assert spender.stdout is not None
        assert spender.stdout.readline() == "ready\n"
    spent = [one for spender in spenders for one in spender.communicate("go\n", timeout=60)[0].split()]
    assert sorted(spent) == sorted(approved)


async def test_a_decision_from_another_process_releases_who_waits(
    asking: Asking,
    approvals: Approvals,
    people: People,
    path: Path,
    store: ApprovalStore,
    journal: MemoryJournal,
) -> None:
    approval, bob = await asking(), people("bob")
    waiting = asyncio.create_task(approvals.wait(approval.id, 30))
    await asyncio.sleep(0.05)

    def elsewhere() -> None:
        state = open_state(path)
        with ApprovalStore(state, store._now).write() as rows:
            decide(rows, journal.record_sync, approval.id, bob, "approve", "")
        state.close()

    await asyncio.to_thread(elsewhere)
    assert (await waiting).status == "approved"


def test_approve_and_deny_at_once_leave_one_of_them(
    approved: list[str], store: ApprovalStore, people: People, journal: MemoryJournal
) -> None:
    with store.write() as rows:
        rows._connection.exec_driver_sql("UPDATE approvals SET status = 'pending'")
    judges = [(people(name), verdict) for name, verdict in (("carol", "approve"), ("dan", "deny"))]

    def judge(turn: tuple[str, int]) -> str:
        key, verdict = judges[turn[1]]
        try:
            with store.write() as rows:
                return decide(rows, journal.record_sync, turn[0], key, verdict, "").status  # type: ignore[arg-type]  # both are verdicts
        except VerdictRefused as error:
            return type(error).__name__

    turns = [(approval_id, which) for approval_id in approved for which in (0, 1)]
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(judge, turns))
    for index, approval_id in enumerate(approved):
        pair = set(outcomes[2 * index : 2 * index + 2])
        with store.read() as rows:
            found = rows.read(approval_id)
        assert found is not None
        assert pair == {found.status, "ApprovalClosed"}
