"""How exchanges are put together: what was said, as messages and without syntax."""

from __future__ import annotations

import duckdb
import pytest

from gateway.audit import Record
from gateway.audit.reading.sql import QueryLimits, query
from gateway.audit.reading.views import create_views
from tests.unit.audit.conftest import Evidence

_PROMPT = [
    ("", "field", "/model", "gpt"),
    ("system", "field", "/messages/0/role", "system"),
    ("system", "system", "/messages/0/content", "be brief"),
    ("user", "field", "/messages/1/role", "user"),
    ("user", "field", "/messages/1/name", "ann"),
    ("user", "text", "/messages/1/content/0/text", "hello"),
    ("user", "text", "/messages/1/content/1/text", "again"),
    ("assistant", "tool_call", "/messages/2/tool_calls/0/id", "call_1"),
    ("assistant", "tool_call", "/messages/2/tool_calls/0/function/name", "weather"),
    ("assistant", "tool_call", "/messages/2/tool_calls/0/function/arguments", '{"city":"Rome"}'),
    ("tool", "field", "/messages/3/tool_call_id", "call_1"),
    ("tool", "tool_result", "/messages/3/content", "sunny"),
    ("", "tool_definition", "/tools/0/function/name", "weather"),
]
_ANSWER = [("", "field", "/id", "c1"), ("assistant", "text", "/choices/0/message/content", "Fine.")]


def _parts(said: list[tuple[str, str, str, str]], *, stored: bool = True) -> dict[str, object]:
    return {
        "parts": [
            {"role": role, "kind": kind, "pointer": pointer, "digest": f"{kind}{text}", "new": stored}
            | ({"text": text} if stored else {})
            for role, kind, pointer, text in said
        ]
    }


@pytest.fixture
def talked(evidence: Evidence) -> Evidence:
    """Two exchanges of one session, the second with nothing new, and one of another session."""
    journal = evidence.journal()
    for name, session, stored in (("ex_1", "se_1", True), ("ex_2", "se_1", False), ("ex_3", "se_2", False)):
        about = {"exchange_id": name, "session_id": session, "agent": "billing"}
        asked = _parts(_PROMPT, stored=stored)
        journal.record_sync(Record("decision", **about, phase="request", action="allow", body=asked))
        journal.record_sync(Record("completion", **about, status=200, body=_parts(_ANSWER, stored=stored)))
    return evidence


@pytest.mark.parametrize("exchange", ["ex_1", "ex_2"])
def test_a_prompt_is_its_messages(talked: Evidence, exchange: str) -> None:
    """Roles, ids and types are apart; texts that the session stored before are found."""
    [(prompt, completion, system, messages, answers, fields)] = talked.rows(
        "SELECT prompt, completion, system, messages, answers, fields FROM contents WHERE exchange_id = ?",
        exchange,
    )

    assert prompt == 'be brief\nhello\nagain\nweather\n{"city":"Rome"}\nsunny'
    assert (completion, system) == ("Fine.", "be brief")
    assert messages == [
        {"role": "user", "content": "hello\nagain", "name": "ann"},
        {"role": "assistant", "content": 'weather\n{"city":"Rome"}', "name": None},
        {"role": "tool", "content": "sunny", "name": None},
    ]
    assert answers == [{"role": "assistant", "content": "Fine.", "name": None}]
    assert {"pointer": "/model", "text": "gpt"} in fields


def test_no_text_comes_from_another_session(talked: Evidence) -> None:
    """A digest is of one session's texts."""
    [(prompt, parts)] = talked.rows(
        "SELECT prompt, (SELECT count(text) FROM parts WHERE exchange_id = 'ex_3') FROM contents"
        " WHERE exchange_id = 'ex_3'"
    )

    assert set(prompt.split("\n")) == {"[not recorded]"}
    assert parts == 0


@pytest.mark.parametrize("view", ["exchanges", "egress", "contents"])
def test_a_filter_by_id_reaches_the_files_as_it_is(talked: Evidence, view: str) -> None:
    """DuckDB looks no group's statistics up for a filter on what a function gives."""
    select = f"EXPLAIN (FORMAT json) SELECT started_at FROM {view} WHERE exchange_id = 'ex_1'"
    with duckdb.connect() as connection:
        create_views(connection, talked.folder)
        [(_, plan)] = connection.execute(select).fetchall()
    assert "exchange_id='ex_1'" in plan
    assert "(exchange_id = '')" not in plan


def test_an_exchange_without_content_has_a_row(evidence: Evidence) -> None:
    """What was refused before policy was asked said nothing that is on record."""
    evidence.journal().record_sync(Record("refusal", exchange_id="ex_1", status=401, code="unauthenticated"))

    assert evidence.rows("SELECT exchange_id, session_id, prompt, messages, fields FROM contents") == [
        ["ex_1", None, None, None, None]
    ]
    assert evidence.rows("SELECT exchange_id, agent, action, state FROM exchanges") == [
        ["ex_1", None, None, "refused"]
    ]


def test_a_long_conversation_takes_no_memory_squared(evidence: Evidence) -> None:
    """Each text is found by a join: a list of them beside each part would take gigabytes here."""
    said = [("user", "text", f"/messages/{number}/content", f"text {number}") for number in range(12_000)]
    journal = evidence.journal()
    for name, stored in (("ex_1", True), ("ex_2", False)):
        about = {"exchange_id": name, "session_id": "se_1", "phase": "request", "action": "allow"}
        journal.record_sync(Record("decision", **about, body=_parts(said, stored=stored)))
    small = QueryLimits(memory=384 * 1024**2, spill=1024)

    for sql in ("SELECT sum(len(messages)) FROM contents", "SELECT count(text) FROM parts"):
        with query(evidence.root, sql, limits=small) as result:
            assert list(result.rows) == [[24_000]]
