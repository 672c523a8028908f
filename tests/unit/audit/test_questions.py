"""The saved questions of docs/guides/questions.md, each asked of a history in which it has an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.audit.reading.sql import query
from tests.support.history import write_history

_PAGE = (Path(__file__).parents[3] / "docs" / "guides" / "questions.md").read_text("utf-8")
_QUESTIONS = dict(
    re.findall(r"^### (.+?)\n(?:(?!^### ).)*?^```sql\n(.+?)^```", _PAGE, re.MULTILINE | re.DOTALL)
)
# The history is of now: whether now is a night is not for a test to say.
_MAY_BE_EMPTY = {"Who works at night?"}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("history")
    write_history(base / "audit", base / "state" / "evidence.key")
    return base / "audit"


def test_there_are_at_least_twenty_and_every_heading_has_one() -> None:
    assert len(_QUESTIONS) == len(re.findall("^### ", _PAGE, re.MULTILINE)) >= 20


@pytest.mark.parametrize("question", _QUESTIONS)
def test_a_question_has_an_answer(history: Path, question: str) -> None:
    with query(history, _QUESTIONS[question]) as result:
        assert list(result.rows) or question in _MAY_BE_EMPTY


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Did anybody approve what their own agent asked?", [[0, 1]]),
        ("Which tool calls did models ask for, and what became of them?", [["send_mail", "mask", 2]]),
        ("What does each team spend, and on which model?", [["support", "gpt-4o", 5, 4000, 0.042]]),
    ],
)
def test_an_answer_is_right(history: Path, question: str, answer: list[list[object]]) -> None:
    with query(history, _QUESTIONS[question]) as result:
        assert list(result.rows) == answer
