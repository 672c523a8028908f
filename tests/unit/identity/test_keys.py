"""Keys of the API: made once, stored as a digest, and made only with names that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ConfigError, Unauthenticated
from gateway.identity import authenticate, create_key
from gateway.identity.keys import check_key, key_id, split_key
from gateway.state import Keys, Role, open_state


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    state = open_state(tmp_path / "regate.db")
    yield Keys(state)
    state.close()


def made(keys: Keys, role: Role = "agent", *, delegate: bool = False, expires: float | None = None) -> str:
    _, key = create_key(
        keys, agent="coder", owner="alice", role=role, delegate=delegate, expires_seconds=expires, now=1_000.0
    )
    return key


def test_the_key_itself_is_stored_nowhere(keys: Keys, tmp_path: Path) -> None:
    secret = made(keys).rpartition("_")[2].encode()
    keys.state.close()
    for file in tmp_path.iterdir():
        assert secret not in file.read_bytes()


@pytest.mark.parametrize("name", ["", " ", " padded", "padded ", "two\nlines", "x" * 201])
def test_a_name_that_cannot_be_read_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(ConfigError, match="owner"):
        create_key(keys, agent="coder", owner=name, now=0)
    assert keys.list() == ()


def test_only_an_agent_key_may_be_a_delegate(keys: Keys) -> None:
    with pytest.raises(ConfigError, match="delegate"):
        create_key(keys, agent="a", owner="b", role="approver", delegate=True, now=0)


def test_a_process_without_a_loop_authenticates_too(keys: Keys) -> None:
    key = made(keys, "approver", expires=10)
    assert authenticate(keys, key, 1_000.0).role == "approver"
    with pytest.raises(Unauthenticated, match="expired"):
        authenticate(keys, key, 1_010.0)


def test_a_key_names_its_row_and_proves_it_by_its_secret_alone(keys: Keys) -> None:
    row, key = create_key(keys, agent="coder", owner="alice", now=0)
    assert (key_id(key), keys.find(row.id)) == (row.id, row)
    _, secret = split_key(key)
    assert check_key(row, secret, 1.0) == row
    for candidate, wrong in ((row, "a" * 52), (None, secret)):
        with pytest.raises(Unauthenticated, match="unknown key"):
            check_key(candidate, wrong, 1.0)


@pytest.mark.parametrize(
    "malformed", ["", "rg_a_b", f"rg_{'a' * 12}_{'1' * 52}", f"rg_{'a' * 12}_{'a' * 52} "]
)
def test_a_malformed_key_names_no_row(malformed: str) -> None:
    assert key_id(malformed) == ""
    with pytest.raises(Unauthenticated, match="unknown key"):
        split_key(malformed)
