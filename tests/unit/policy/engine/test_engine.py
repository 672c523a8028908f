"""Both engines keep the same promises: what they answer, what they refuse, and that nothing outlives them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy import PolicyEngine, load_source
from gateway.policy.engine.supervised import Supervised
from gateway.words import FindingRow

EMAIL = FindingRow("EMAIL_ADDRESS", "pii", 1, 1, 1, 0.9, ("user",), ("text",))
Document = Callable[..., dict[str, Any]]

MINIMAL = 'package regate\n\ndecision := {"action": "allow"}\n'


def write(folder: Path, **modules: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.rego").write_text(text)
    return folder


async def test_a_decision_carries_the_revision_of_the_files(
    engine: PolicyEngine, policy: Path, document: Document
) -> None:
    source = load_source(policy)
    await engine.start(source)
    decision = await engine.decide(document(rows=(EMAIL,)))
    assert decision.action == "mask"
    assert "EMAIL_ADDRESS" in [mask.entity for mask in decision.mask]
    assert decision.revision == source.revision


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 - 2, -(2**63), 10**38 + 1])
async def test_policy_sees_integers_exactly_or_not_at_all(
    engine: PolicyEngine, tmp_path: Path, document: Document, number: int
) -> None:
    folder = write(
        tmp_path / "p",
        main='package regate\n\ndefault decision := {"action": "deny"}\n\n'
        f'decision := {{"action": "allow"}} if input.agent.claims.n == {number}\n',
    )
    await engine.start(load_source(folder))
    exact, near = document(), document()
    exact["agent"]["claims"], near["agent"]["claims"] = {"n": number}, {"n": number + 1}
    if engine.name == "embedded" and number >= 2**64:
        with pytest.raises(PolicyError, match="64 bits"):
            await engine.decide(near)
        return
    assert (await engine.decide(exact)).action == "allow"
    assert (await engine.decide(near)).action == "deny"


async def test_a_syntax_error_is_refused_at_start_with_file_and_line(
    engine: PolicyEngine, policy: Path
) -> None:
    broken = policy / "rules" / "broken.rego"
    broken.write_text("package regate.rules.broken\n\nverdicts contains v if {\n\tv := := 1\n}\n")
    with pytest.raises(ConfigError, match=f"{broken}:4:"):
        await engine.start(load_source(policy))
    assert not engine.ready


CALLING = 'package regate\n\ndecision := {"action": "allow"} if {\n\tx := %s\n\tx == 1\n}\n'


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('http.send({"method": "get", "url": "http://127.0.0.1:9"})', "http.send"),
        ('http["send"]({"method": "get", "url": "http://127.0.0.1:9"})', "http.send"),
        ("time.now_ns()", "time.now_ns"),
        ('count([y | y := rand.intn("x", 3)])', "rand.intn"),
        ('uuid.rfc4122("x")', "uuid.rfc4122"),
        ("opa.runtime()", "opa.runtime"),
        ('json.match_schema({}, {"$ref": "http://127.0.0.1:9"})', "json.match_schema"),
    ],
)
async def test_a_decision_that_could_not_be_repeated_is_refused_at_start(
    engine: PolicyEngine, tmp_path: Path, call: str, name: str
) -> None:
    folder = write(tmp_path / "p", main=CALLING % call)
    with pytest.raises(ConfigError) as refused:
        await engine.start(load_source(folder))
    assert f"{folder}/main.rego:4" in str(refused.value)
    assert f"undefined function {name}" in str(refused.value)
    assert "must be repeatable" in str(refused.value)


async def test_an_unsafe_variable_is_refused_at_start_with_file_and_line(
    engine: PolicyEngine, policy: Path
) -> None:
    broken = policy / "rules" / "broken.rego"
    broken.write_text("package regate.rules.broken\n\nverdicts contains v if {\n\tv := nowhere\n}\n")
    with pytest.raises(ConfigError, match=f"{broken}:4:"):
        await engine.start(load_source(policy))


@pytest.mark.parametrize(
    "text",
    [
        "package regate\n\nverdict := 1\n",
        'package regate\n\ndecision := {"action": "allow"} if input.agent.id == "nobody"\n',
        'package regate\n\ndecision := {"action": "dney"}\n',
        'package regate\n\ndecision := {"action": "mask"}\n',
        'package regate\n\ndecision := "allow"\n',
        'package regate\n\ndecision := {"action": "allow"} if to_number(input.path) == 1\n',
    ],
    ids=["no decision", "undefined", "misspelt action", "mask without list", "no object", "failing built-in"],
)
async def test_policy_without_a_usable_answer_is_refused_at_start(
    engine: PolicyEngine, tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError):
        await engine.start(load_source(write(tmp_path / "p", main=text)))
    assert not engine.ready


@pytest.mark.parametrize(
    "answer",
    [
        'decision := {"action": "allow"} if input.model != "gpt-4.1"',
        'decision := {"action": "dney"} if input.model == "gpt-4.1"\n\n'
        'decision := {"action": "allow"} if input.model != "gpt-4.1"',
        'decision := {"action": "allow"} if to_number(input.model) == 1\n\n'
        'decision := {"action": "allow"} if input.model == ""',
        'decision := {"action": "allow"}\n\ndecision := {"action": "deny"} if input.model == "gpt-4.1"',
        'decision := {"action": "allow", "extra": input.model} if input.model == "gpt-4.1"\n\n'
        'decision := {"action": "allow"} if input.model != "gpt-4.1"',
    ],
    ids=["undefined", "misspelt action", "failing built-in", "conflict", "unknown key"],
)
async def test_a_request_without_a_usable_decision_is_a_policy_error(
    engine: PolicyEngine, tmp_path: Path, document: Document, answer: str
) -> None:
    text = f"package regate\n\n{answer}\n"
    # an empty model cannot be a number either, so only the request of the test may fail
    text = text.replace(
        "if to_number(input.model) == 1", 'if { input.model != ""; to_number(input.model) == 1 }'
    )
    await engine.start(load_source(write(tmp_path / "p", main=text)))
    with pytest.raises(PolicyError) as caught:
        await engine.decide(document())
    assert "gpt" not in caught.value.message


async def test_an_input_that_is_no_json_is_a_policy_error(
    engine: PolicyEngine, policy: Path, document: Document
) -> None:
    await engine.start(load_source(policy))
    broken = document()
    broken["agent"]["claims"] = {"x": object()}
    with pytest.raises(PolicyError):
        await engine.decide(broken)


async def test_before_its_start_the_engine_is_unavailable(engine: PolicyEngine, document: Document) -> None:
    assert not engine.ready
    with pytest.raises(PolicyUnavailable):
        await engine.decide(document())


async def test_a_killed_child_is_replaced_and_nothing_passes_meanwhile(
    engine: Supervised, policy: Path, document: Document
) -> None:
    await engine.start(load_source(policy))
    first = engine.pid
    os.kill(first, signal.SIGKILL)
    outcomes: set[str] = set()
    async with asyncio.timeout(20):
        while engine.pid in (first, -1):
            try:
                outcomes.add((await engine.decide(document())).action)
            except PolicyUnavailable:
                outcomes.add("unavailable")
            await asyncio.sleep(0.01)
    assert "unavailable" in outcomes
    assert outcomes <= {"unavailable", "allow"}
    assert (await engine.decide(document())).action == "allow"


async def test_a_rule_that_takes_too_long_is_unavailable_in_time(
    new_engine: Callable[[float], PolicyEngine], tmp_path: Path, document: Document
) -> None:
    slow = write(
        tmp_path / "p",
        main='package regate\n\ndefault decision := {"action": "allow"}\n\n'
        'decision := {"action": "deny"} if {\n\tinput.model == "slow"\n'
        "\tsome a in numbers.range(1, 3000)\n\tsome b in numbers.range(1, 3000)\n"
        "\tsome c in numbers.range(1, 3000)\n\t(a * b) * c == -1\n}\n",
    )
    engine = new_engine(0.5)
    try:
        await engine.start(load_source(slow))
        stuck = document()
        stuck["model"] = "slow"
        began = time.monotonic()
        with pytest.raises(PolicyUnavailable):
            await engine.decide(stuck)
        assert time.monotonic() - began < 3
        async with asyncio.timeout(20):
            while not await decides(engine, document()):  # noqa: ASYNC110 - the outcome is what is waited for
                await asyncio.sleep(0.05)
    finally:
        await engine.close()


async def decides(engine: PolicyEngine, document: dict[str, Any]) -> bool:
    try:
        return (await engine.decide(document)).action == "allow"
    except PolicyUnavailable:
        return False


async def test_callers_who_leave_do_not_mix_up_answers(
    engine: PolicyEngine, policy: Path, document: Document
) -> None:
    await engine.start(load_source(policy))
    plain, masked = document(), document(rows=(EMAIL,))
    for _ in range(10):
        leaving = asyncio.create_task(engine.decide(masked))
        await asyncio.sleep(0)
        leaving.cancel()
        decisions = await asyncio.gather(*(engine.decide(each) for each in (plain, masked, plain)))
        assert [decision.action for decision in decisions] == ["allow", "mask", "allow"]


async def test_new_policy_takes_over_while_requests_go_on(
    engine: Supervised, policy: Path, document: Document
) -> None:
    old = load_source(policy)
    await engine.start(old)
    first = engine.pid
    (policy / "rules" / "stop.rego").write_text(
        "package regate.rules.stop\n\nverdicts contains {\n"
        '\t"action": "deny", "rule": "stop", "title": "Stop", "message": "stop",\n'
        '\t"severity": "low", "controls": [],\n} if input.phase == "request"\n'
    )
    new = load_source(policy)
    seen: set[tuple[str, str]] = set()

    async def ask() -> None:
        while (new.revision, "deny") not in seen:
            decision = await engine.decide(document())
            seen.add((decision.revision, decision.action))

    async with asyncio.timeout(20):
        await asyncio.gather(ask(), engine.start(new))
    assert seen <= {(old.revision, "allow"), (new.revision, "deny")}
    async with asyncio.timeout(10):
        while alive(first):  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.05)


async def test_broken_new_policy_leaves_the_old_one_in_force(
    engine: Supervised, policy: Path, document: Document
) -> None:
    await engine.start(load_source(policy))
    first = engine.pid
    (policy / "main.rego").write_text("package regate\n\ndecision := nowhere\n")
    with pytest.raises(ConfigError):
        await engine.start(load_source(policy))
    assert engine.pid == first
    assert (await engine.decide(document())).action == "allow"


async def test_no_process_is_left_behind(engine: Supervised, policy: Path) -> None:
    await engine.start(load_source(policy))
    pid = engine.pid
    assert alive(pid)
    await engine.close()
    assert not alive(pid)
    assert not engine.ready


async def test_the_environment_of_the_gateway_stays_with_it(
    engine: Supervised, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-policy")
    await engine.start(load_source(policy))
    environment = await asyncio.to_thread(Path(f"/proc/{engine.pid}/environ").read_bytes)
    assert b"sk-not-for-policy" not in environment


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
