"""A child with regorus: many questions at once, in order, and one that fails or is late."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.decision import Decision
from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy import load_source
from gateway.policy.engine import regorus_process
from gateway.policy.engine.regorus_process import RegorusProcess
from tests.support.processes import alive

Document = Callable[..., dict[str, Any]]

# what it says depends on the model's name; for `late` it counts for minutes
BY_MODEL = """package regate

default decision := {"action": "allow"}

decision := {"action": "deny"} if input.model == "deny"

decision := {"action": "allow"} if {
	input.model == "fail"
	1 / (count(input.model) - 4) == 1
}

decision := {"action": "deny"} if {
	input.model == "late"
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	(a * b) * c == -1
}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "main.rego").write_text(BY_MODEL)
    return tmp_path


async def test_many_are_decided_in_their_order_and_a_failure_is_that_of_its_input(
    policy: Path, document: Document
) -> None:
    child = RegorusProcess(load_source(policy), 60.0)
    await child.start()
    models = ["a", "deny", "fail", "deny", "b"]
    outcomes = [each async for each in child.decide_each([{**document(), "model": m} for m in models])]
    assert [each.action if isinstance(each, Decision) else "failed" for each in outcomes] == [
        "allow", "deny", "failed", "deny", "allow",
    ]  # fmt: skip
    assert isinstance(outcomes[2], PolicyError)
    assert "main.rego" in str(outcomes[2])
    await child.stop()


async def test_a_question_that_is_late_ends_the_child(policy: Path, document: Document) -> None:
    child = RegorusProcess(load_source(policy), 1.0)
    await child.start()
    pid = child.pid
    with pytest.raises(PolicyUnavailable, match="broke off or was late"):
        async for _ in child.decide_each([{**document(), "model": "late"}]):
            pass
    await child.ended()
    assert not alive(pid)
    await child.stop()


async def test_a_caller_that_leaves_early_ends_the_child(policy: Path, document: Document) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    child = RegorusProcess(load_source(policy), 60.0)
    await child.start()
    outcomes = child.decide_each([document(), {**document(), "model": "late"}, document()])
    async for _ in outcomes:
        break
    await outcomes.aclose()  # type: ignore[attr-defined]
    await child.ended()
    await child.stop()
    gc.collect()  # a failure that no caller took is told when its question goes
    assert complaints == []


async def test_a_policy_without_a_decision_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / "main.rego").write_text('package regate\n\ndecision := "allow"\n')
    child = RegorusProcess(load_source(tmp_path), 60.0)
    with pytest.raises(ConfigError, match=f"^{tmp_path}: "):
        await child.start()
    assert not alive(child.pid)


async def test_a_question_that_hangs_ends_the_child_though_its_caller_left(
    policy: Path, document: Document
) -> None:
    child = RegorusProcess(load_source(policy), 1.0)
    await child.start()
    hung = asyncio.create_task(child.decide({**document(), "model": "late"}))
    behind = asyncio.create_task(child.decide(document()))
    await asyncio.sleep(0)
    hung.cancel()
    with pytest.raises(PolicyUnavailable, match=r"did not answer|broke off"):
        await behind
    await child.ended()
    with pytest.raises(PolicyUnavailable):
        await child.decide(document())
    await child.stop()


async def test_the_answer_to_a_caller_that_left_is_given_to_no_other(
    policy: Path, document: Document
) -> None:
    child = RegorusProcess(load_source(policy), 60.0)
    await child.start()
    left = [asyncio.create_task(child.decide({**document(), "model": "deny"})) for _ in range(20)]
    await asyncio.sleep(0)
    for each in left[::2]:
        each.cancel()
    after = await asyncio.gather(*(child.decide({**document(), "model": m}) for m in ("a", "deny", "b")))
    assert [each.action for each in after] == ["allow", "deny", "allow"]
    assert {(await each).action for each in left[1::2]} == {"deny"}
    await child.stop()


@pytest.mark.parametrize("said", [b"[1]", b"{", b""])
async def test_an_answer_that_is_no_object_fails_every_question(
    policy: Path, document: Document, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    child = RegorusProcess(load_source(policy), 60.0)
    await child.start()

    async def receive(*_: object) -> bytes:
        return said

    monkeypatch.setattr(regorus_process, "receive_message", receive)
    questions = [child.decide(document()) for _ in range(3)]
    told = await asyncio.gather(*questions, return_exceptions=True)
    assert [type(each) for each in told[1:]] == [PolicyUnavailable] * 2
    await child.ended()
    await child.stop()
