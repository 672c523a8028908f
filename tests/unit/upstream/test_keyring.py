"""Credentials come in the order of a session; those that rest come last."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.upstream.credentials import StoredCredential
from gateway.upstream.keyring import CredentialRing, Key, by_share


def test_each_comes_first_by_its_share_and_the_others_sessions_stay() -> None:
    weighted = [("a", 1, "a"), ("b", 3, "b"), ("c", 4, "c")]
    firsts = {f"s{number}": by_share(f"s{number}", weighted)[0] for number in range(2000)}
    counts = Counter(firsts.values())
    assert 180 < counts["a"] < 320
    assert 650 < counts["b"] < 850
    for session, first in firsts.items():
        if first != "c":
            assert by_share(session, weighted[:2])[0] == first


def test_a_credential_that_is_not_set_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "key-a")
    monkeypatch.delenv("B", raising=False)
    ring = CredentialRing([Key(StoredCredential("env:B")), Key(StoredCredential("env:A"))])
    assert [key and key.credential.reference for key in ring.order("s")] == ["env:A"]
    assert (ring.secret, ring.unset) == ("key-a", "")
    monkeypatch.delenv("A")
    assert (ring.order("s"), ring.secret, ring.unset) == ([], None, "env:B")
    assert CredentialRing([]).order("s") == [None]
    assert CredentialRing([]).unset == ""


def test_a_credential_rests_as_long_as_its_provider_says_and_a_minute_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    for name in ("A", "B"):
        monkeypatch.setenv(name, "key")
    a, b = (Key(StoredCredential(f"env:{name}")) for name in "AB")
    ring = CredentialRing([a, b], now=lambda: now[0])
    for said, seconds in (({"retry-after": "7"}, 7), ({}, 5), ({"retry-after": "86400"}, 60)):
        ring.rest(a, said)
        assert ring.order("s") == [b, a]
        now[0] += seconds
        assert a.rests_until <= now[0]
    ring.refuse(b)
    assert ring.order("s") == [a, b]
