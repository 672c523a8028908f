"""What the views say, live and sealed alike."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from gateway.audit import Journal, Record
from gateway.audit.files.folder import Folder
from gateway.audit.reading.described import VIEWS
from gateway.audit.reading.views import create_views, publish, views_for
from tests.unit.audit.conftest import Evidence


def part(digest: str, text: str | None = None, role: str = "user") -> dict[str, Any]:
    stored = {} if text is None else {"text": text}
    return {
        "role": role,
        "kind": "text",
        "pointer": "/messages/0",
        "digest": digest,
        "new": text is not None,
        **stored,
    }


def exchange(journal: Journal, name: str, *records: dict[str, Any]) -> None:
    for fields in records:
        journal.record_sync(
            Record(
                **{
                    "exchange_id": name,
                    "session_id": "se_1",
                    "agent": "billing",
                    "phase": "request",
                    **fields,
                }
            )
        )


@pytest.fixture(params=["live", "sealed"])
def asked(request: pytest.FixtureRequest, evidence: Evidence) -> Any:
    """Ask the views after everything is written, once of live and once of sealed segments."""

    def ask(sql: str) -> list[list[Any]]:
        if request.param == "sealed":
            for journal in evidence.journals:
                journal.close()
            evidence.sealer().seal()
        return evidence.rows(sql)

    return ask


DECISION = {"kind": "decision", "action": "allow", "decision_id": "de_1", "revision": "r1"}


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([DECISION, {"kind": "completion", "status": 200}], "completed"),
        ([DECISION, {"kind": "completion", "status": 429}], "failed"),
        ([DECISION, {"kind": "completion", "code": "cancelled"}], "cancelled"),
        ([DECISION, {"kind": "refusal", "status": 504, "code": "upstream_timeout"}], "failed"),
        ([DECISION], "interrupted"),
        ([{**DECISION, "action": "deny"}], "refused"),
        ([{**DECISION, "action": "deny", "enforced": False}], "interrupted"),
        (
            [{**DECISION, "action": "deny"}, {"kind": "refusal", "status": 403, "code": "policy_denied"}],
            "refused",
        ),
        ([{**DECISION, "action": "require_approval"}], "held"),
        (
            [
                {**DECISION, "action": "require_approval"},
                {"kind": "refusal", "status": 403, "code": "approval_required"},
            ],
            "held",
        ),
        (
            [{**DECISION, "action": "require_approval"}, DECISION, {"kind": "completion", "status": 200}],
            "completed",
        ),
        ([{"kind": "refusal", "status": 503, "code": "policy_unavailable"}], "refused"),
    ],
)
def test_an_exchange_is_one_row_with_how_it_ended(
    evidence: Evidence, records: list[dict[str, Any]], state: str
) -> None:
    exchange(evidence.journal(), "ex_1", *records)

    assert evidence.rows("SELECT exchange_id, state FROM exchanges") == [["ex_1", state]]


def test_an_exchange_joins_its_decisions_and_its_completion(evidence: Evidence, asked: Any) -> None:
    exchange(
        evidence.journal(),
        "ex_1",
        DECISION,
        {"kind": "decision", "phase": "response", "action": "mask", "decision_id": "de_2"},
        {"kind": "completion", "status": 200, "input_tokens": 12, "output_tokens": 34, "duration_ms": 5.5},
    )

    assert asked(
        "SELECT action, response_action, decision_id, input_tokens, output_tokens, duration_ms, status"
        " FROM exchanges"
    ) == [["allow", "mask", "de_1", 12, 34, 5.5, 200]]
    assert asked("SELECT decision_id, phase, action, agent, revision FROM decisions ORDER BY seq") == [
        ["de_1", "request", "allow", "billing", "r1"],
        ["de_2", "response", "mask", "billing", None],
    ]


def test_what_a_prompt_cache_did_is_a_view(evidence: Evidence, asked: Any) -> None:
    journal = evidence.journal()
    for number, cached in enumerate(
        ({"cached_tokens": 7, "cache_written_tokens": 2}, {"cached_tokens": 0}, {})
    ):
        said = {"kind": "completion", "status": 200, "input_tokens": 12, "body": {"parts": [], **cached}}
        exchange(journal, f"ex_{number}", DECISION, said)

    assert asked(
        "SELECT exchange_id, agent, input_tokens, cached_tokens, cache_written_tokens FROM prompt_cache"
        " ORDER BY exchange_id"
    ) == [["ex_0", "billing", 12, 7, 2], ["ex_1", "billing", 12, 0, 0]]


def test_a_prompt_is_put_together_from_what_its_session_stored(evidence: Evidence, asked: Any) -> None:
    journal = evidence.journal()
    exchange(
        journal,
        "ex_1",
        {**DECISION, "body": {"parts": [part("a", "be brief", "system"), part("b", "hello")]}},
        {"kind": "completion", "status": 200, "body": {"parts": [part("c", "hi there", "assistant")]}},
    )
    # the same conversation goes on in another worker
    exchange(
        evidence.journal(),
        "ex_2",
        {**DECISION, "body": {"parts": [part("a"), part("b"), part("c"), part("d", "and now?"), part("e")]}},
    )
    journal.record_sync(
        Record("decision", exchange_id="ex_3", session_id="se_2", body={"parts": [part("a")]})
    )

    assert asked("SELECT exchange_id, prompt, completion FROM contents ORDER BY 1") == [
        ["ex_1", "be brief\nhello", "hi there"],
        ["ex_2", "be brief\nhello\nhi there\nand now?\n[not recorded]", None],
        ["ex_3", "[not recorded]", None],
    ]
    assert asked("SELECT place, text FROM parts WHERE exchange_id = 'ex_2' ORDER BY place") == [
        [1, "be brief"],
        [2, "hello"],
        [3, "hi there"],
        [4, "and now?"],
        [5, None],
    ]


def test_reasons_and_findings_are_rows_of_their_own(evidence: Evidence, asked: Any) -> None:
    finding = {
        "entity": "EMAIL_ADDRESS",
        "category": "pii",
        "count": 2,
        "distinct": 1,
        "new": 2,
        "max_score": 1,
    }
    reasons = ({"rule": "pii.mask", "severity": "low", "controls": ["SOC2:CC6.7"]}, {"rule": "two"})
    exchange(
        evidence.journal(),
        "ex_1",
        {**DECISION, "findings": ({**finding, "roles": ["user"], "kinds": ["text"]},), "reasons": reasons},
        {"kind": "completion"},
    )

    assert asked("SELECT entity, count, distinct_values, max_score, roles FROM findings") == [
        ["EMAIL_ADDRESS", 2, 1, 1.0, ["user"]]
    ]
    assert asked("SELECT rule, severity, controls, decision_id FROM reasons ORDER BY rule") == [
        ["pii.mask", "low", ["SOC2:CC6.7"], "de_1"],
        ["two", None, [], "de_1"],
    ]


def test_attributes_and_tables_come_from_what_policy_was_asked_and_said(
    evidence: Evidence, asked: Any
) -> None:
    rows = [{"entity": "IBAN_CODE", "attributes": {"countries": ["DE"]}}, {"entity": "URL"}]
    body = {"input": {"findings": rows}, "decision": {"tables": {"users": "r9"}}}
    found = ({"entity": "IBAN_CODE"}, {"entity": "URL"})
    exchange(evidence.journal(), "ex_1", {**DECISION, "findings": found, "body": body})
    countries = "SELECT entity, attributes->>'$.countries[0]' FROM findings ORDER BY entity"
    assert asked(countries) == [["IBAN_CODE", "DE"], ["URL", None]]
    assert asked("SELECT tables->>'$.users' FROM decisions") == [["r9"]]


def test_a_session_sums_up_its_exchanges(evidence: Evidence, asked: Any) -> None:
    journal = evidence.journal()
    finding = {"entity": "IBAN_CODE", "category": "pii"}
    exchange(
        journal,
        "ex_1",
        {**DECISION, "action": "mask", "findings": (finding,)},
        {**DECISION, "action": "mask"},
        {"kind": "completion", "model": "m", "input_tokens": 5, "output_tokens": 7},
    )
    exchange(journal, "ex_2", {**DECISION, "action": "deny"}, {"kind": "refusal", "code": "policy_denied"})

    assert asked(
        "SELECT session_id, agent, exchanges, masked, denied, held, input_tokens, output_tokens, models,"
        " entities"
        " FROM sessions"
    ) == [["se_1", "billing", 2, 1, 1, 0, 5, 7, ["m"], ["IBAN_CODE"]]]


def test_an_approval_is_one_row_with_its_last_status(evidence: Evidence, asked: Any) -> None:
    journal = evidence.journal()
    for event, status, approvers in (
        ("requested", "pending", []),
        ("approved", "approved", ["ann"]),
        ("used", "used", ["ann"]),
    ):
        exchange(
            journal,
            "ex_1",
            {
                "kind": "approval",
                "approval_id": "ap_1",
                "code": event,
                "body": {"status": status, "approvers": approvers},
            },
        )

    assert asked(
        "SELECT approval_id, state, exchange_id, agent, approvers, used_at > decided_at FROM approvals"
    ) == [["ap_1", "used", "ex_1", "billing", ["ann"], True]]


def test_a_torn_line_is_no_row(evidence: Evidence) -> None:
    journal = evidence.journal()
    exchange(journal, "ex_1", DECISION)
    with evidence.live().open("ab") as file:
        file.write(b'{"torn')

    assert evidence.rows("SELECT count(*) FROM records") == [[1]]


def test_queries_without_content_read_no_bodies(evidence: Evidence) -> None:
    """The bodies are nearly all there is: a plan that reads them for a count is a hundred times slower."""
    exchange(evidence.journal(), "ex_1", DECISION)
    publish(evidence.folder)
    with duckdb.connect(str(evidence.folder.database), read_only=True) as connection:
        for sql in (
            "SELECT count(*) FROM records",
            "SELECT action, count(*) FROM decisions GROUP BY 1",
            "SELECT state, count(*) FROM exchanges GROUP BY 1",
            "SELECT * FROM exchanges WHERE session_id = 'se_1'",
            "SELECT * FROM sessions",
            "SELECT * EXCLUDE (attributes) FROM findings",
        ):
            plan = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
            assert "body" not in orjson.dumps(orjson.loads(plan)).decode(), sql


def test_other_clients_read_the_published_views_while_the_gateway_writes(evidence: Evidence) -> None:
    journal = evidence.journal()
    evidence.sealer(published=True)
    exchange(journal, "ex_1", DECISION)
    code = f"""
import duckdb
with duckdb.connect({str(evidence.folder.database)!r}, read_only=True) as connection:
    print(connection.execute("SELECT count(*) FROM decisions").fetchall())
"""
    with duckdb.connect(str(evidence.folder.database), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM decisions").fetchall() == [(1,)]
        exchange(journal, "ex_2", DECISION)
        assert connection.execute("SELECT count(*) FROM decisions").fetchall() == [(2,)]
        other = subprocess.run(
            [sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True
        )
    assert other.stdout.strip() == "[(2,)]"


def test_the_published_views_read_a_moved_folder_by_a_variable(evidence: Evidence) -> None:
    exchange(evidence.journal(), "ex_1", DECISION)
    publish(evidence.folder)
    moved = evidence.root.rename(evidence.root.with_name("mo'ved"))

    with duckdb.connect(str(moved / "audit.duckdb"), read_only=True) as connection:
        connection.execute("SET VARIABLE audit = ?", [str(moved)])
        assert connection.execute("SELECT count(*) FROM decisions").fetchall() == [(1,)]


@pytest.fixture
def beside(evidence: Evidence) -> Path:
    """A copy of the folder as of its first decision; the folder itself has a second one."""
    journal = evidence.journal()
    exchange(journal, "ex_1", DECISION)
    publish(evidence.folder)
    copy = Path(shutil.copytree(evidence.root, evidence.root.with_name('co"py')))
    exchange(journal, "ex_2", DECISION)
    return copy


@contextmanager
def attached(**folders: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, folder in folders.items():
            connection.execute(f"ATTACH '{folder / 'audit.duckdb'}' AS {name} (READ_ONLY)")
        yield connection


@pytest.mark.parametrize("variable", [None, "live", "copy"])
def test_the_published_views_answer_nothing_beside_a_copy_of_them(
    evidence: Evidence, beside: Path, variable: str | None
) -> None:
    folders = {"live": evidence.root, "copy": beside}
    with attached(**folders) as connection:
        if variable:
            connection.execute("SET VARIABLE audit = ?", [str(folders[variable])])
        for view in ("live.stored.records", *(f"{name}.{view}" for name in folders for view in VIEWS)):
            with pytest.raises(duckdb.Error, match="one folder"):
                connection.execute(f"SELECT count(*) FROM {view}")
        connection.execute("DETACH live")
        if variable != "copy":
            connection.execute("RESET VARIABLE audit")
            with pytest.raises(duckdb.Error, match="this is a copy of"):
                connection.execute("SELECT count(*) FROM copy.decisions")
        else:
            assert connection.execute("SELECT count(*) FROM copy.decisions").fetchall() == [(1,)]


def test_the_published_views_of_several_folders_are_compared(evidence: Evidence, beside: Path) -> None:
    """A copy whose views are written anew is a folder like any other."""
    publish(Folder(beside))
    with attached(live=evidence.root, copy=beside) as connection:
        for name, decisions in (("live", 2), ("copy", 1)):
            said = connection.execute(f"SELECT count(*) FROM {name}.decisions").fetchall()
            assert said == [(decisions,)]


@pytest.mark.parametrize("view", VIEWS)
def test_a_question_gets_the_views_that_it_reads(view: str, evidence: Evidence) -> None:
    evidence.folder.prepare()
    with duckdb.connect() as connection:
        create_views(connection, evidence.folder, f'SELECT count(*) FROM "{view.upper()}"')
        assert connection.execute(f"SELECT count(*) FROM {view}").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "question",
    [
        "",
        "SELECT 1",
        "SELECT * FROM exchangs",  # the error names those that are meant
        "SHOW TABLES",
        "SELECT * FROM duckdb_views(), records",
        "SELECT * FROM query_table('ses' || 'sions'), records",
    ],
)
def test_a_question_that_names_no_view_gets_all(question: str) -> None:
    assert set(views_for(question)) == set(VIEWS)


def test_a_question_gets_no_view_more() -> None:
    assert views_for("SELECT count(*) FROM records") == {"records"}
