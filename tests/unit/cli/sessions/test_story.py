"""A session as the evidence tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.sessions.story import Event, read_story
from gateway.errors import RegateError
from tests.unit.cli.sessions.conftest import HOSTILE


def test_a_session_is_told_in_the_order_in_which_it_happened(audit: Path) -> None:
    told = [(event.record["exchange_id"], event.kind, _texts(event)) for event in read_story(audit, "se_1")]

    assert told == [
        ("ex_1", "prompt", [HOSTILE]),
        ("ex_1", "decision", []),
        ("ex_1", "approval", []),
        ("ex_1", "decision", []),
        ("ex_1", "completion", ["the answer"]),
        ("ex_2", "prompt", []),  # the history that it sends back was told before
        ("ex_2", "decision", []),
        ("ex_2", "decision", ["a call to rm"]),
        ("ex_2", "refusal", []),
    ]


def test_a_session_that_is_not_in_the_evidence_is_an_error(audit: Path) -> None:
    with pytest.raises(RegateError, match="no session 'se_9'"):
        read_story(audit, "se_9")


def _texts(event: Event) -> list[str]:
    return [part["text"] for part in event.parts]
