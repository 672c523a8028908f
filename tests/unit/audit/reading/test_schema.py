"""What views and columns mean."""

from __future__ import annotations

import pytest

from gateway.audit.reading.described import VIEWS
from gateway.audit.reading.schema import comments, meaning, reference
from gateway.audit.reading.view_sql import selects


def test_every_view_is_described() -> None:
    """The published file says what each one is."""
    assert set(VIEWS) == set(selects("''"))


def test_a_view_may_give_a_column_a_meaning_of_its_own() -> None:
    """Others keep the common one."""
    assert meaning("records", "kind") == "what the record is about"
    assert meaning("parts", "kind") == "the part's kind"
    with pytest.raises(KeyError):
        meaning("records", "unheard_of")


def test_comments_and_the_page_say_the_same() -> None:
    """Quotes in a meaning stay inside their literal."""
    columns = {name: [] for name in VIEWS} | {"findings": [("distinct_values", "INTEGER")]}
    said = list(comments(columns))
    assert any(line.startswith("COMMENT ON COLUMN findings.distinct_values IS ") for line in said)
    assert f"| `distinct_values` | INTEGER | {meaning('findings', 'distinct_values')} |" in reference(columns)
