"""The page of surfaces says what the dialects do."""

from __future__ import annotations

import pytest

from gateway.dialects.registry import DIALECTS, find
from scripts.surfaces import PAGE, calls, page


def test_the_page_is_renewed() -> None:
    """`make docs` renews it."""
    assert PAGE.read_text("utf-8") == page()


def test_every_dialect_has_a_row() -> None:
    rows = page()
    assert all(rows.count(f"\n| `{dialect.name}` |") == 1 for dialect in DIALECTS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai.chat", "judged"),
        ("openai.responses", "judged"),
        ("anthropic.messages", "judged"),
        ("gemini.generate", "judged"),
        ("ollama.chat", "judged"),
        ("openai.embeddings", "refused"),
        ("json", "judged"),
        ("none", "judged"),
        ("openai.files", "refused; judged in files"),
        ("anthropic.batches", "refused; judged in files"),
        ("openai.batches", "refused"),
    ],
)
def test_tool_calls_are_judged_or_refused(name: str, said: str) -> None:
    assert calls(find(name)) == said


def test_no_dialect_lets_calls_pass_unseen() -> None:
    assert "none" not in {calls(dialect) for dialect in DIALECTS}
