"""Points in time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.moments import ago, moment
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "before"),
    [("7d", timedelta(days=7)), ("12h", timedelta(hours=12)), ("45m", timedelta(minutes=45))],
)
def test_a_duration_is_before_now(text: str, before: timedelta) -> None:
    """To the second."""
    found = moment(text, "--since")
    assert found is not None
    assert abs(datetime.now(UTC) - before - found) < timedelta(seconds=30)


def test_a_time_without_a_zone_is_utc() -> None:
    """One with a zone keeps it; an empty text is none."""
    assert moment("2026-11-30T08:00", "--since") == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert moment("2026-11-30T08:00+02:00", "--since") == datetime(2026, 11, 30, 6, tzinfo=UTC)
    assert moment("", "--since") is None


@pytest.mark.parametrize("text", ["0d", "7", "d", "-7d", "yesterday", "7w"])
def test_anything_else_is_refused_with_its_option(text: str) -> None:
    """The message says what was expected."""
    assert ago(text) is None
    with pytest.raises(ConfigError, match="--until: found"):
        moment(text, "--until")
