"""Keys as rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import StateUnavailable
from gateway.state import KeyRow, Keys, State

ROW = KeyRow(
    id="k1",
    digest=b"digest",
    agent="coder",
    owner="alice",
    groups=("default", "team-a"),
    role="agent",
    delegate=True,
    created_at=100.0,
    expires_at=200.0,
)


def test_a_key_comes_back_as_it_was_made(state: State) -> None:
    keys = Keys(state)
    keys.create(ROW)
    assert keys.find("k1") == ROW
    assert keys.list() == (ROW,)


def test_an_unknown_key_is_none(state: State) -> None:
    assert Keys(state).find("k1") is None


def test_a_key_is_revoked_once(state: State) -> None:
    keys = Keys(state)
    keys.create(ROW)
    assert keys.revoke("k1", 150.0)
    assert not keys.revoke("k1", 160.0)
    assert not keys.revoke("other", 160.0)
    assert keys.find("k1") == replace(ROW, revoked_at=150.0)


def test_the_same_id_twice_is_refused(state: State) -> None:
    keys = Keys(state)
    keys.create(ROW)
    with pytest.raises(StateUnavailable):
        keys.create(ROW)


def test_status_follows_time_and_revocation() -> None:
    assert ROW.status(199.9) == "active"
    assert ROW.status(200.0) == "expired"
    assert replace(ROW, expires_at=None).status(1e12) == "active"
    assert replace(ROW, revoked_at=1.0).status(199.9) == "revoked"


def test_the_digest_does_not_show() -> None:
    assert "digest" not in repr(ROW)
