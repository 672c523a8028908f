"""The providers' section refuses what contradicts itself, and tells no secret."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.config import Provider

HERE = {"family": "openai", "base_url": "http://h"}


def provider(**settings: Any) -> Provider:
    return msgspec.convert({**HERE, **settings}, Provider)


def test_places_have_their_own_credentials_or_those_of_the_provider() -> None:
    own = [{"credential": "env:A", "weight": 2}, {"credential": "exec:token --for 'a b'"}]
    there = {"base_url": "http://there", "weight": 3, "credential": "file:/k"}
    found = provider(credentials=own, deployments=[{"base_url": "http://other"}, there]).places
    said = [(one.base_url, one.weight, [c.credential for c in one.credentials]) for one in found]
    both = ["env:A", "exec:token --for 'a b'"]
    assert said == [("http://h", 1, both), ("http://other", 1, both), ("http://there", 3, ["file:/k"])]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"credential": "env:A", "credentials": [{"credential": "env:B"}]}, "expected one of the two"),
        ({"credentials": [{"credential": "sk-s3cret"}]}, "expected a reference"),
        ({"credential": "exec: "}, "expected a reference"),
        ({"credential": "exec:a 's3cret"}, "expected the quotes of the command of exec: to end"),
        ({"credentials": [{"credential": "env:B", "weight": 0}]}, "weight"),
        ({"deployments": [{"base_url": "http://h/"}]}, "an address twice"),
        ({"deployments": [{"base_url": "builtin:demo"}]}, "builtin:demo among"),
        ({"base_url": "builtin:demo", "deployments": [{"base_url": "http://x"}]}, "builtin:demo among them"),
        ({"proxy": "http://user:s3cret@proxy"}, "proxy: expected"),
        ({"proxy": "socks5://proxy"}, "proxy: expected"),
        ({"headers": {"authorization": "s3cret"}}, "no credential's"),
        ({"headers": {"x-api-key": "s3cret"}}, "no credential's"),
        ({"headers": {"content-length": "3"}}, "none of the connection's"),
        ({"headers": {"X-Team": "3"}}, "in lower case"),
        ({"headers": {"x-team": "a\r\nb: c"}}, "printable"),
        ({"timeouts": {"connect": 0}}, "timeouts.connect"),
    ],
)
def test_a_contradiction_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why) as refused:
        provider(**settings)
    assert "s3cret" not in str(refused.value)
