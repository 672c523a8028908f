"""The policy input: every key is always there, nothing is null, rows count what policy wants to know."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.input import InputFacts, build_input, finding_rows
from gateway.words import (
    Agent,
    ApprovalFacts,
    Attachment,
    Attributes,
    CallOrigin,
    Category,
    Consent,
    Delegate,
    Finding,
    FindingRow,
    InspectedPart,
    JudgedCall,
    Kind,
    Met,
    Parameters,
    Part,
    PartOrigin,
    PartPlace,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    Tool,
    ToolCall,
    UsageFacts,
    Used,
)


def part(
    text: str,
    *found: tuple[str, Category, str],
    role: str = "user",
    kind: Kind = "text",
    new: bool = True,
    place: PartPlace = "value",
) -> InspectedPart:
    """A part in which each (entity, category, value) is found once, masked as <ENTITY>."""
    findings, masked = [], text
    for entity, category, value in found:
        start = text.index(value)
        findings.append(Finding(entity, category, 0.8, "/x", start, start + len(value)))
        masked = masked.replace(value, f"<{entity}>")
    return InspectedPart(Part(role, kind, "/x", text, place), "d", new, tuple(findings), masked)


def document(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "phase": "request",
        "time": datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=1))),
        "exchange_id": "",
        "session_id": "",
        "agent": Agent(id="", owner="", method="api_key"),
        "source": Source("", ""),
        "provider": "",
        "dialect": "none",
        "method": "",
        "path": "",
        "prompt": Prompt(),
        "models": (),
        "parts": (),
        "rows": (),
        "tool_calls": (),
        "session": SessionFacts(),
        "usage": UsageFacts(),
        "approval": ApprovalFacts(),
        "response": ResponseFacts(),
    }
    return build_input(InputFacts(**{**values, **changes}))


NONE = {"1m": 0, "1d": 0, "1mo": 0, "day": 0, "month": 0}
EMPTY: dict[str, Any] = {
    "version": 1,
    "phase": "request",
    "time": "2026-11-22T08:30:00.000000Z",
    "exchange": {"id": "", "session_id": "", "tags": {}},
    "agent": {
        "id": "", "owner": "", "key_id": "", "method": "api_key", "groups": [], "claims": {},
        "on_behalf_of": "", "delegation": [],
        "person": "",
    },
    "source": {"ip": "", "user_agent": ""},
    "provider": "",
    "provider_labels": {},
    "dialect": "none",
    "method": "",
    "path": "",
    "model": "",
    "models": [],
    "stream": False,
    "parameters": {"max_tokens": -1, "temperature": -1, "n": 1},
    "prompt": {"parts": [], "characters": 0, "estimated_tokens": 0, "attachments": [], "unseen": []},
    "tools": [],
    "tool_calls": [],
    "findings": [],
    "session": {"exchanges": 0, "denied": 0, "masked": 0, "held": 0, "tokens": 0, "entities": []},
    "usage": {
        "agent": {"requests": NONE, "tokens": NONE, "cost_micros": NONE},
        "person": {"requests": NONE, "tokens": NONE, "cost_micros": NONE},
        "team": {"requests": NONE, "tokens": NONE, "cost_micros": NONE},
        "turns_in": {"agent": NONE, "person": NONE, "team": NONE},
        "requests_1m": 0, "requests_1d": 0, "tokens_1m": 0, "tokens_1d": 0, "cost_1d": 0.0,
    },
    "approval": {
        "id": "", "status": "", "approvers": [], "groups": [], "quorum": -1, "note": "", "revision": "",
        "consents": [], "all_of": [],
    },
    "response": {"status": -1, "finish_reason": ""},
}  # fmt: skip


def test_an_empty_exchange_has_every_key() -> None:
    assert document() == EMPTY


def test_a_full_exchange_has_the_same_keys_and_all_it_was_given() -> None:
    full = document(
        phase="response",
        agent=Agent(
            *("bot", "dana", "oidc", ("red",), {"sub": 1}, "eve", "k1"),
            (Delegate("eve", "https://id.example", "proved"),),
        ),
        prompt=Prompt(
            attachments=(Attachment("image", "image/png", 9),),
            unseen=("file_id",),
            tools=(Tool("search", "finds", schema_digest="d1"),),
            model="m",
            stream=True,
            parameters=Parameters(5, 0.5, 2),
        ),
        parts=(part("hello"),),
        provider_labels={"region": "eu"},
        rows=(
            FindingRow(
                "E", "pii", 2, 1, 1, 0.5, ("user",), ("text",), Attributes(("a.example",), (), ("DE",))
            ),
        ),
        tool_calls=(
            JudgedCall(
                ToolCall("search", {"q": [1, None]}, ("/a",)),
                (("API_KEY", "secret"),),
                (CallOrigin("/q/0", (PartOrigin("tool", "tool_result", "fetch"),)),),
            ),
        ),
        session=SessionFacts(1, 2, 3, 4, 5, ("E",)),
        models=("m", "n"),
        usage=UsageFacts(
            {"1m": Used(1, 3, 5), "1d": Used(2, 4, 6_000_000)}, team={"month": Used(9, 8, 7, 6)}
        ),
        approval=ApprovalFacts(
            "a1",
            "approved",
            ("ann",),
            ("ops",),
            1,
            "fine",
            "r1",
            (Consent("ann", ("ops",)),),
            (Met(("ops",), 1, ("ann",)),),
        ),
        response=ResponseFacts(200, "stop"),
    )
    assert full.keys() == EMPTY.keys()
    assert full["agent"] == {
        "id": "bot", "owner": "dana", "key_id": "k1", "method": "oidc", "groups": ["red"],
        "claims": {"sub": 1}, "on_behalf_of": "eve", "person": "eve",
        "delegation": [{"name": "eve", "issuer": "https://id.example", "proof": "proved"}],
    }  # fmt: skip
    assert full["prompt"] == {
        "parts": [{"role": "user", "kind": "text", "pointer": "/x", "text": "hello", "new": True}],
        "characters": 5,
        "estimated_tokens": 2,
        "attachments": [{"kind": "image", "media_type": "image/png", "bytes": 9}],
        "unseen": ["file_id"],
    }
    assert full["provider_labels"] == {"region": "eu"}
    assert full["tools"] == [{"name": "search", "description": "finds", "schema_digest": "d1", "hosted": ""}]
    assert full["tool_calls"] == [
        {
            "name": "search",
            "arguments": {"q": [1, None]},
            "restores": [{"entity": "API_KEY", "category": "secret"}],
            "origins": [
                {"pointer": "/q/0", "from": [{"role": "tool", "kind": "tool_result", "tool": "fetch"}]}
            ],
        }
    ]
    assert full["findings"] == [
        {
            "entity": "E", "category": "pii", "count": 2, "distinct": 1, "new": 1, "max_score": 0.5,
            "roles": ["user"], "kinds": ["text"],
            "attributes": {
                "domains": ["a.example"], "outside": [], "countries": ["DE"], "issuers": [],
                "internal": False, "more": False,
            },
        }
    ]  # fmt: skip
    assert full["parameters"] == {"max_tokens": 5, "temperature": 0.5, "n": 2}
    assert full["models"] == ["m", "n"]
    assert full["usage"] == {
        "agent": {
            "requests": {**NONE, "1m": 1, "1d": 2}, "tokens": {**NONE, "1m": 3, "1d": 4},
            "cost_micros": {**NONE, "1m": 5, "1d": 6_000_000},
        },
        "person": EMPTY["usage"]["person"],
        "team": {
            "requests": {**NONE, "month": 9}, "tokens": {**NONE, "month": 8},
            "cost_micros": {**NONE, "month": 7},
        },
        "turns_in": {**EMPTY["usage"]["turns_in"], "team": {**NONE, "month": 6}},
        "requests_1m": 1, "requests_1d": 2, "tokens_1m": 3, "tokens_1d": 4, "cost_1d": 6.0,
    }  # fmt: skip
    assert full["approval"] == {
        "id": "a1", "status": "approved", "approvers": ["ann"], "groups": ["ops"], "quorum": 1,
        "note": "fine", "revision": "r1", "consents": [{"approver": "ann", "groups": ["ops"]}],
        "all_of": [{"groups": ["ops"], "count": 1, "approvers": ["ann"]}],
    }  # fmt: skip
    assert json.loads(json.dumps(full)) == full  # plain data: no tuple, no dataclass


def test_policy_sees_masked_text_of_new_parts_only() -> None:
    new = part("mail jane@x.org", ("EMAIL_ADDRESS", "pii", "jane@x.org"))
    old = part("mail joe@x.org", ("EMAIL_ADDRESS", "pii", "joe@x.org"), new=False)
    built = document(parts=(new, old))
    assert [each["text"] for each in built["prompt"]["parts"]] == ["mail <EMAIL_ADDRESS>", ""]
    assert "@x.org" not in json.dumps(built)


def test_syntax_words_of_history_are_left_out() -> None:
    parts = (
        part("user", place="structural"),
        part("system", place="structural", new=False),
        part("a", new=False),
    )
    built = document(parts=parts)
    assert [each["new"] for each in built["prompt"]["parts"]] == [True, False]
    assert built["prompt"]["characters"] == len("usersystema")


def test_arguments_that_do_not_parse_are_empty_and_a_finding() -> None:
    built = document(
        phase="response", tool_calls=(JudgedCall(ToolCall("f", None, ())), JudgedCall(ToolCall("g", {}, ())))
    )
    assert [call["arguments"] for call in built["tool_calls"]] == [{}, {}]
    (row,) = built["findings"]
    assert (row["entity"], row["count"], row["kinds"]) == ("UNPARSEABLE_ARGUMENTS", 1, ["tool_call"])


def test_rows_count_values_and_the_new_ones_among_them() -> None:
    rows = finding_rows(
        (
            part("a@x.org", ("EMAIL_ADDRESS", "pii", "a@x.org"), role="system", kind="system", new=False),
            part("a@x.org", ("EMAIL_ADDRESS", "pii", "a@x.org")),
            part("b@x.org", ("EMAIL_ADDRESS", "pii", "b@x.org")),
            part("b@x.org", ("EMAIL_ADDRESS", "pii", "b@x.org"), role="tool", kind="tool_result"),
            part("sk-1", ("API_KEY", "secret", "sk-1"), new=False),
        )
    )
    assert rows == (
        FindingRow("API_KEY", "secret", 1, 1, 0, 0.8, ("user",), ("text",)),
        FindingRow("EMAIL_ADDRESS", "pii", 4, 2, 2, 0.8, ("tool", "user"), ("text", "tool_result")),
    )


def test_attributes_are_those_of_the_new_values_and_of_all_when_none_is_new() -> None:
    def described(*parts: InspectedPart) -> tuple[str, ...]:
        (row,) = finding_rows(parts, lambda entity, values: Attributes((entity, *sorted(values))))
        return row.attributes.domains

    old, new = part("a", ("E", "pii", "a"), new=False), part("b", ("E", "pii", "b"))
    assert described(old, new) == ("E", "b")
    assert described(old) == ("E", "a")


def test_no_findings_are_no_rows() -> None:
    assert finding_rows((part("hello"),)) == ()


PARTS = st.lists(
    st.builds(
        lambda value, new, entity: part(value, (entity, "pii", value), new=new),
        st.sampled_from(["a", "b", "c"]),
        st.booleans(),
        st.sampled_from(["E", "F"]),
    ),
    max_size=8,
)


@given(PARTS)
def test_counts_are_consistent_whatever_the_parts(parts: list[InspectedPart]) -> None:
    rows = finding_rows(parts)
    assert sum(row.count for row in rows) == len(parts)
    for row in rows:
        assert 0 <= row.new <= row.distinct <= row.count
        assert row.roles == ("user",)
    assert finding_rows(parts[::-1]) == rows
