"""Text in SQL."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.files.literal import literal


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_literal_is_its_text(text: str) -> None:
    """Whatever it holds, it stays one string."""
    assert duckdb.sql(f"SELECT {literal(text)}").fetchall() == [(text,)]
