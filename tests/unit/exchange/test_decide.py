"""What the journal holds of a decision gives back exactly what policy was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit import Journal, Sealer, new_writer
from gateway.audit.files.disk import Disk
from gateway.audit.reading.inputs import count_decisions, decision_lines, find_decision
from gateway.audit.reading.recorded import rebuild
from gateway.audit.sealing.content import ContentKey
from gateway.config import ServerKey
from gateway.contract.decision import Action, Decision, Mask, to_document
from gateway.contract.guards import guard
from gateway.errors import PolicyDenied, RecordingFailed
from gateway.exchange.decide import Decider, Subject
from gateway.exchange.exchange import Exchange
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Envelope, Held, Inspected, Received
from gateway.policy import Policies
from gateway.policy.engine.engine import encode
from gateway.sessions.session import Sessions
from gateway.words import (
    Agent,
    ApprovalFacts,
    Attachment,
    Finding,
    InspectedPart,
    Parameters,
    Part,
    Phase,
    Prompt,
    ResponseFacts,
    Source,
    Tool,
    ToolCall,
)
from tests.support.effort import examples
from tests.unit.exchange.conftest import NewExchange

_KEY = ServerKey(b"k" * 32)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()  # also those over 64 bits
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_OBJECT = st.dictionaries(_TEXT, _JSON, max_size=4)


@dataclass
class Policy:
    """Says what it is told to, and remembers the bytes that an engine would have got."""

    says: Decision = field(default_factory=lambda: Decision("allow"))
    asked: bytes = b""

    async def decide(self, document: dict[str, Any]) -> Decision:
        self.asked = encode(document)
        return self.says


@st.composite
def _inspected(draw: st.DrawFn) -> InspectedPart:
    text = draw(_TEXT)
    findings = ()
    if text and draw(st.booleans()):
        entity = draw(st.sampled_from(["EMAIL_ADDRESS", "PHONE_NUMBER", "PROVIDER_CREDENTIAL"]))
        findings = (Finding(entity, "pii", draw(st.floats(0, 1)), "/a", 0, len(text)),)
    part = Part(
        draw(st.sampled_from(["user", "assistant", ""])),
        draw(st.sampled_from(["text", "tool_result", "field"])),
        draw(_TEXT),
        text,
        draw(st.sampled_from(["value", "number", "key", "structural"])),
    )
    return InspectedPart(part, draw(_TEXT), draw(st.booleans()), findings, "<MASKED>" if findings else text)


@st.composite
def _asked(draw: st.DrawFn) -> tuple[dict[str, Any], Subject, Decision]:
    """What there is to know of an exchange, what policy is asked about, and what it will say."""
    phase: Phase = draw(st.sampled_from(["request", "response"]))
    calls = draw(st.lists(st.tuples(_TEXT, st.none() | _OBJECT), max_size=2))
    subject = Subject(
        phase,
        tuple(draw(st.lists(_inspected(), max_size=5))),
        tuple((ToolCall(name, arguments, ()), (("JWT", "secret"),)) for name, arguments in calls),
        ResponseFacts(200, draw(_TEXT)),
    )
    facts = {
        "agent": Agent("billing", "dana", "oidc", ("team",), draw(_OBJECT), draw(_TEXT)),
        "inspected": Inspected(model=draw(_TEXT)),
        "received": Received(
            envelope=Envelope(path=draw(_TEXT), source=Source("::1", draw(_TEXT))),
            prompt=Prompt(
                stream=draw(st.booleans()),
                parameters=Parameters(draw(st.integers(-1, 2**70)), draw(st.floats(-1, 2)), 1),
                tools=(Tool(draw(_TEXT), draw(_TEXT)),),
                attachments=(Attachment("image", draw(_TEXT), 3),),
            ),
        ),
        "held": Held(
            prompt=ApprovalFacts("ap_1", draw(st.sampled_from(["", "approved"])), ("eve",), note=draw(_TEXT))
        ),
        "enforced": draw(st.booleans()),
    }
    action = draw(st.sampled_from(["allow", "mask", "require_approval", "deny"]))
    mask = (Mask("EMAIL_ADDRESS"),) if action == "mask" or draw(st.booleans()) else ()
    return facts, subject, Decision(action, mask=mask, record=draw(st.sampled_from(["masked", "full"])))


def _filled(exchange: Exchange, facts: dict[str, Any]) -> Exchange:
    upstream, session = exchange.upstream, Sessions(_KEY).enter("billing", "s", "")
    for name, value in facts.items():
        setattr(exchange, name, value)
    exchange.received = replace(exchange.received, upstream=upstream, session=session)
    return exchange


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    made = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "evidence.key")
    made.start()
    yield made
    made.close()


def _decider(policy: Policy, journal: Journal) -> Decider:
    return Decider(cast(Policies, policy), Ledger(journal, ContentKey(b"content")))


def test_a_recorded_input_is_byte_for_byte_what_the_engine_was_asked_live_and_sealed(
    journal: Journal, tmp_path: Path, new_exchange: NewExchange
) -> None:
    policy, root, asked = Policy(), tmp_path / "audit", dict[str, bytes]()
    decider = _decider(policy, journal)

    @given(_asked())
    @settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
    def every_question(drawn: tuple[dict[str, Any], Subject, Decision]) -> None:
        facts, subject, policy.says = drawn
        exchange = _filled(new_exchange(), facts)
        acted = asyncio.run(decider.decide(exchange, subject))
        line = max(decision_lines(root), key=lambda line: json.loads(line)["seq"])
        recorded = rebuild(line)
        assert recorded.input is not None
        assert encode(recorded.input) == policy.asked
        assert recorded.decision == to_document(acted)
        asked[recorded.decision_id] = policy.asked
        again = guard(
            policy.says,
            syntax=recorded.syntax,
            approval_status=recorded.approval_status,
            enforced=recorded.enforced,
        )
        assert again == acted

    every_question()
    journal.close()
    sealer = Sealer(root, key=tmp_path / "evidence.key", settle_seconds=0, bury_seconds=0, gather_seconds=0)
    sealer.start()
    sealer.seal()
    sealer.seal()  # the second pass buries the live segment
    sealed = {one.decision_id: one for one in map(rebuild, decision_lines(root))}
    assert count_decisions(root) == len(asked)
    assert {name: encode(one.input) for name, one in sealed.items() if one.input} == asked
    some = next(iter(asked))
    found = find_decision(root, some)
    assert found == sealed[some]
    assert find_decision(root, "dec_unknown") is None


async def test_an_input_whose_text_was_not_recorded_says_so(
    journal: Journal, tmp_path: Path, new_exchange: NewExchange
) -> None:
    part = InspectedPart(Part("user", "text", "/messages/0/content", "hello"), "d", True, (), "hello")
    exchange = _filled(new_exchange(), {})
    decider = _decider(Policy(Decision("allow", record="metadata")), journal)
    await decider.decide(exchange, Subject("request", (part,)))
    await decider.decide(exchange, Subject("request", (replace(part, new=False),)))  # nothing is missing here
    first, second = map(rebuild, decision_lines(tmp_path / "audit"))
    assert (first.input, first.lost) == (None, "not_recorded")
    assert second.input is not None
    assert second.input["prompt"]["parts"][0]["text"] == ""


async def test_tools_whose_words_were_not_recorded_are_no_input_either(
    journal: Journal, tmp_path: Path, new_exchange: NewExchange
) -> None:
    decider = _decider(Policy(Decision("allow", record="metadata")), journal)
    exchange = _filled(
        new_exchange(), {"received": Received(prompt=Prompt(tools=(Tool("search", "finds"),)))}
    )
    await decider.decide(exchange, Subject("request", ()))
    calls = ((ToolCall("search", {"for": "it"}, ()), ()),)
    await decider.decide(_filled(new_exchange(), {}), Subject("response", (), calls))
    found = [rebuild(line) for line in decision_lines(tmp_path / "audit")]
    assert [(one.input, one.lost) for one in found] == [(None, "not_recorded")] * 2


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        (b"", "unreadable"),
        (b"[1]", "unreadable"),
        (b'{"decision_id":', "unreadable"),
        (b'\xff{"body":{}}', "unreadable"),
        (b'{"decision_id":"d"}', "unreadable"),
    ],
)
def test_a_damaged_line_is_counted_and_not_raised(line: bytes, lost: str) -> None:
    assert rebuild(line).lost == lost


async def test_a_body_that_was_taken_out_is_an_erased_one(
    journal: Journal, tmp_path: Path, new_exchange: NewExchange
) -> None:
    await _decider(Policy(), journal).decide(_filled(new_exchange(), {}), Subject("request", ()))
    (line,) = decision_lines(tmp_path / "audit")
    record = json.loads(line)
    for body in (None, {}, {"erased": True}):
        assert rebuild(json.dumps({**record, "body": body}).encode()).lost == "erased"
    nested = json.dumps(record).replace('"version": 1', f'"version": {"[" * 5000}{"]" * 5000}').encode()
    assert rebuild(nested).lost == "unreadable"
    for damage in (
        {"parts": [{"new": 1}]},
        {"input": []},
        {"input": {"prompt": 5}},
        {"decision": None},
        {"input": {**record["body"]["input"], "approval": 1}},
    ):
        damaged = {**record, "body": {**record["body"], **damage}}
        assert rebuild(json.dumps(damaged).encode()).lost == "unreadable"
    gone = {
        **record,
        "body": {**record["body"], "parts": [{"role": "", "kind": "text", "pointer": "", "new": True}]},
    }
    assert rebuild(json.dumps(gone).encode()).lost == "erased"


@pytest.mark.parametrize("action", ["allow", "mask", "require_approval", "deny"])
@pytest.mark.parametrize("fails", [None, "prepare", "journal"])
async def test_what_is_prepared_waits_for_the_record(
    action: Action, fails: str | None, tmp_path: Path, new_exchange: NewExchange
) -> None:
    """While the disk is slow the prompt is prepared; the decision is given when its record is durable."""
    steps: list[str] = []
    begun: list[bool] = []

    class SlowDisk(Disk):
        def sync(self, descriptor: int) -> None:
            super().sync(descriptor)
            if not begun:
                return
            assert not passes or prepared.wait(60)
            if fails == "journal":
                raise OSError("the disk is gone")
            steps.append("durable")

    async def prepare(_: Exchange) -> None:
        steps.append("prepared")
        prepared.set()
        if fails == "prepare":
            raise PolicyDenied("no mask fits", reasons=[])

    prepared, passes = threading.Event(), action in ("allow", "mask")
    journal = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "evidence.key", disk=SlowDisk())
    journal.start()
    begun.append(True)
    mask = (Mask("EMAIL_ADDRESS"),) if action == "mask" else ()
    decider, exchange = _decider(Policy(Decision(action, mask=mask)), journal), _filled(new_exchange(), {})
    asking = decider.decide(exchange, Subject("request", ()), prepare)
    if fails == "journal":
        with pytest.raises(RecordingFailed):
            await asking
        assert exchange.recorded == []
    elif fails and passes:
        with pytest.raises(PolicyDenied):
            await asking
        assert (steps[:2], len(exchange.recorded)) == (["prepared", "durable"], 1)
    else:
        assert (await asking).action == action
        assert steps[:2] == ["prepared", "durable"] if passes else "prepared" not in steps
        assert "durable" in steps
    with contextlib.suppress(RecordingFailed):
        journal.close()
