"""`regate sessions replay`: the pace of a session, and hostile text in its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.sessions.replay import play, write_page
from cli.sessions.story import read_story


def test_the_pauses_are_those_of_the_session_at_the_speed_asked_for(
    audit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = read_story(audit, "se_1")
    pauses: list[float] = []

    play(events, 2, pauses.append)

    assert sum(pauses) == pytest.approx((events[-1].at - events[0].at).total_seconds() / 2)
    assert sum(pauses) >= 0.2  # the prompt came 400 ms before its decision
    said = capsys.readouterr().out
    assert "require_approval the prompt, de_ex_1" in said
    assert "high: bulk: too much" in said
    assert "approval ap_1 approved by erin" in said
    assert "refused: policy_denied: denied by policy" in said
    assert "\x1b[2J" not in said


def test_the_page_holds_everything_and_hostile_text_does_nothing_in_it(audit: Path, tmp_path: Path) -> None:
    write_page("se_1", read_story(audit, "se_1"), tmp_path / "session.html")

    page = (tmp_path / "session.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "⟨U+001B⟩" in page
    assert "<mark>&lt;EMAIL_ADDRESS_k7f3q2&gt;</mark>" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "src=" not in page
    assert "href=" not in page
