"""What of a record is a person's, and what is to go of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config import ServerKey
from gateway.masking import Vault
from gateway.oversight.subject import DataSubject
from tests.unit.audit.conftest import Evidence, decision, evidence

__all__ = ["evidence"]

KEY = ServerKey(b"k" * 32)
MAIL = "jane.roe@acme.org"


def placeholder(agent: str) -> str:
    return Vault(KEY.derive("placeholders", agent)).placeholder("EMAIL_ADDRESS", "pii", MAIL)


def part(text: str) -> dict[str, Any]:
    return {"role": "user", "kind": "text", "pointer": "/0", "digest": "d", "new": True, "text": text}


RECORDS: dict[str, tuple[dict[str, Any], tuple[Any, ...] | None]] = {
    "her own": (
        {
            "on_behalf_of": "jane",
            "owner": "olga",
            "source_ip": "10.0.0.1",
            "body": {"parts": [part("hello")]},
        },
        (["end_user"], ["on_behalf_of"], [""]),
    ),
    "her agent's own": (
        {"owner": "jane", "source_ip": "10.0.0.1", "body": {"parts": [part("hello")]}},
        (["owner"], ["owner", "source_ip"], [""]),
    ),
    "her agent's for another": (
        {"owner": "jane", "on_behalf_of": "bob", "body": {"parts": [part("x")], "input": {"owner": "jane"}}},
        (["owner"], ["owner"], ["/input/owner"]),
    ),
    "a value in another's text": (
        {"on_behalf_of": "bob", "body": {"parts": [part("x"), part(f"to {placeholder('billing')}")]}},
        (["value"], [], ["/parts/1"]),
    ),
    "a value under another agent's key": (
        {"agent": "other", "body": {"parts": [part(f"to {placeholder('other')}")]}},
        (["value"], [], ["/parts/0"]),
    ),
    "a placeholder that is another agent's": (
        {"body": {"parts": [part(f"to {placeholder('other')}")]}},
        None,
    ),
    "a value as it is, deep in the body": (
        {"body": {"input": {"tool_calls": [{"arguments": {"to/cc": "Jane.Roe@acme.org, bob"}}]}}},
        (["value"], [], ["/input/tool_calls/0/arguments/to~1cc"]),
    ),
    "an approver": (
        {"kind": "approval", "body": {"approver": "jane", "approvers": ["erin", "jane"], "note": "fine"}},
        (["approver"], [], ["/approver", "/approvers/1"]),
    ),
    "tags of another's exchange": (
        {"on_behalf_of": "bob", "tags": {"team": "a", "for": f"{placeholder('billing')}"}, "body": {}},
        (["value"], ["tags"], []),
    ),
    "tags of her own": (
        {"on_behalf_of": "jane", "tags": {"team": "a"}, "body": {"parts": [part("hello")]}},
        (["end_user"], ["on_behalf_of", "tags"], [""]),
    ),
    "a name in a text is no name": ({"body": {"parts": [part("jane went home")]}}, None),
    "another": ({"on_behalf_of": "janet", "body": {"parts": [part("x")]}}, None),
}


def test_each_record_is_found_as_what_it_is(evidence: Evidence) -> None:
    """Only what is theirs is shown of it, and only that is to go."""
    journal = evidence.journal()
    found = ({"entity": "EMAIL_ADDRESS", "category": "pii", "count": 1},)
    for number, (fields, _) in enumerate(RECORDS.values()):
        journal.record_sync(decision(number, **{"findings": found, **fields}))
    journal.close()
    mentions = {
        int(mention.columns["exchange_id"].removeprefix("ex_")): mention
        for mention in DataSubject(KEY, "jane", [MAIL]).mentions(evidence.root)
    }
    for number, (name, (_, expected)) in enumerate(RECORDS.items()):
        if expected is None:
            assert number not in mentions, name
            continue
        mention = mentions[number]
        target = mention.target
        assert (list(mention.roles), list(target.names), list(target.body)) == expected, name
        assert (target.writer, target.seq) == (journal.writer, number + 1)
    assert mentions[3].said == [{"pointer": "/parts/1", "text": f"to {placeholder('billing')}"}]


@pytest.mark.parametrize("values", [(), (MAIL,)])
def test_a_pseudonym_does_not_name_the_person(values: tuple[str, ...]) -> None:
    """It is the same whenever the same is looked for, and another under another key."""
    made = DataSubject(KEY, "jane", values).pseudonym
    assert made == DataSubject(KEY, "jane", values).pseudonym
    assert "jane" not in made
    assert made != DataSubject(ServerKey(b"o" * 32), "jane", values).pseudonym
