"""The server key is made once, kept from others, and never confuses two uses of it."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.server_key import ServerKey, load_server_key
from gateway.errors import ConfigError

KEY = ServerKey(bytes(range(32)))


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    path = tmp_path / "state" / "server.key"
    first = load_server_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_server_key(path).digest("x") == first.digest("x")


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    path, digests = tmp_path / "server.key", []
    threads = [
        threading.Thread(target=lambda: digests.append(load_server_key(path).digest("x"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert len(set(digests)) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "server.key"
    load_server_key(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        load_server_key(path)


def test_a_cut_off_key_is_refused(tmp_path):
    path = tmp_path / "server.key"
    path.touch(mode=0o600)
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="expected 32 bytes, found 5"):
        load_server_key(path)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_different_fields_never_share_a_digest(one, other):
    assert (KEY.digest("p", *one) == KEY.digest("p", *other)) == (one == other)


def test_purposes_are_kept_apart():
    assert KEY.digest("a", b"x") != KEY.digest("b", b"x")
    assert KEY.derive("a") != KEY.derive("b")
    assert len(KEY.derive("a", "agent")) == 32
