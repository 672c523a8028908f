"""Who acts, as the record names them."""

from __future__ import annotations

import getpass
import os

import pytest

from gateway.oversight import local_user


def test_a_user_without_a_name_is_named_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a number that no file of users knows."""

    def unknown() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert local_user().name == f"uid {os.getuid()}"
