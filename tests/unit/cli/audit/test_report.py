"""`regate audit report`: every demand of every framework has an answer, and a page that says where."""

from __future__ import annotations

import duckdb
import pytest

from cli.audit.frameworks import FRAMEWORKS, QUESTIONS, page
from gateway.audit.reading.views import create_views
from tests.support.every_view import fill
from tests.unit.audit.conftest import Evidence
from tests.unit.cli.audit.conftest import PROJECT, Command

GUIDES = PROJECT / "docs" / "guides" / "frameworks"


def test_a_report_answers_every_demand_and_holds_the_rows(regate: Command, evidence: Evidence) -> None:
    """What others wrote stands in it as text; a broken chain is said, and exits with 1."""
    journal = evidence.journal()
    fill(journal, "<script>x</script>")
    journal.close()
    regate("audit", "seal")
    regate("audit", "report", "--framework", "iso42001", "--since", "1d", "--out", "made")
    html = (regate.folder / "made" / "index.html").read_text("utf-8")
    assert "The evidence is intact" in html
    assert "<script>" not in html
    for where, demand, _ in FRAMEWORKS["iso42001"].demands:
        assert f"<h2>{where}: {demand}</h2>" in html
    counted = duckdb.sql(f"SELECT sum(records) FROM '{regate.folder}/made/logging.parquet'").fetchall()
    assert counted[0][0] >= 9

    with duckdb.connect() as connection:
        create_views(connection, evidence.folder)
        times = ["2026-01-01", "2999-01-01"]
        for name, question in QUESTIONS.items():
            assert question.view in question.sql
            assert connection.execute(question.sql, times if "$2" in question.sql else []).description, name
    assert {asked for each in FRAMEWORKS.values() for _, _, asked in each.demands} == set(QUESTIONS)

    log = evidence.folder.checkpoints
    log.write_bytes(log.read_bytes()[:-5] + b'00"}\n')
    regate("audit", "report", "--framework", "gdpr", "--out", "broken", code=1)
    assert "THE EVIDENCE IS BROKEN" in (regate.folder / "broken" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_page_of_a_framework_is_the_one_that_is_documented(name: str) -> None:
    """`make docs` renews it."""
    assert (GUIDES / f"{name}.md").read_text("utf-8") == page(name)
