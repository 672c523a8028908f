"""Who sees which approvals, evidence and policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.approvals import UnknownApproval
from gateway.errors import RecordingFailed
from gateway.oversight import Forbidden
from tests.support.desk import Desk, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def test_an_approver_sees_all_approvals_oldest_first(desk: Desk) -> None:
    coder, _ = desk.key("ana", "agent", agent="coder")
    writer, _ = desk.key("ben", "agent", agent="writer")
    asked = [(await desk.ask(coder, "first")).id, (await desk.ask(writer, "second")).id]
    approver, _ = desk.key("carol")

    assert [one.id for one in await desk.oversight.list_approvals(approver)] == asked
    assert [one.id for one in await desk.oversight.list_approvals(approver, "pending")] == asked
    assert await desk.oversight.list_approvals(approver, "denied") == ()
    assert (await desk.oversight.read_approval(approver, asked[1])).agent == "writer"


async def test_an_agent_sees_its_own_approvals_and_not_that_there_are_others(desk: Desk) -> None:
    """Another owner's agent of the same name is another agent, and so is the owner's other agent."""
    coder, _ = desk.key("ana", "agent", agent="coder")
    own = await desk.ask(coder, "own")
    namesake, _ = desk.key("ben", "agent", agent="coder")
    sibling, _ = desk.key("ana", "agent", agent="writer")

    assert [one.id for one in await desk.oversight.list_approvals(coder)] == [own.id]
    assert (await desk.oversight.read_approval(coder, own.id)).id == own.id
    for other in (namesake, sibling):
        assert await desk.oversight.list_approvals(other) == ()
        with pytest.raises(UnknownApproval) as hidden:
            await desk.oversight.read_approval(other, own.id)
        with pytest.raises(UnknownApproval) as absent:
            await desk.oversight.read_approval(other, "ap_nowhere")
        assert str(hidden.value) == str(absent.value)


async def test_a_role_without_approvals_is_refused(desk: Desk) -> None:
    coder, _ = desk.key("ana", "agent", agent="coder")
    asked = await desk.ask(coder)
    auditor, _ = desk.key("erin", "auditor")
    with pytest.raises(Forbidden):
        await desk.oversight.list_approvals(auditor)
    with pytest.raises(Forbidden):
        await desk.oversight.read_approval(auditor, asked.id)


async def test_who_reads_the_evidence_is_on_record(desk: Desk) -> None:
    """A reading that cannot be recorded gives no rows, and a refused one is none."""
    await desk.exchange("ex_1", "hello")
    auditor, _ = desk.key("erin", "auditor")
    approver, _ = desk.key("carol")
    question = "SELECT exchange_id FROM records WHERE kind = 'decision'"

    with pytest.raises(Forbidden):
        await desk.oversight.sql(approver, question)
    assert (await desk.oversight.sql(auditor, question)).rows == [["ex_1"]]
    (read,) = [record for record in desk.records() if record["code"] == "evidence_queried"]
    assert (read["by"], read["sql"]) == ("erin", question)

    desk.journal.close()
    with pytest.raises(RecordingFailed):
        await desk.oversight.sql(auditor, question)


async def test_the_state_of_policy_is_told_to_roles_that_may_see_it(desk: Desk) -> None:
    """Here no engine was started: it is not ready, and was never loaded."""
    auditor, _ = desk.key("erin", "auditor")
    status = desk.oversight.policy_status(auditor)
    assert (status["ready"], status["loaded_at"]) == (False, "")
    approver, _ = desk.key("carol")
    with pytest.raises(Forbidden):
        desk.oversight.policy_status(approver)
