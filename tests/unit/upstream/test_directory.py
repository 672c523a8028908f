"""A provider is known by its configured name, and disabled, alone, without its credential."""

import pytest

from gateway.config import Provider
from gateway.errors import InvalidRequest, UpstreamUnavailable
from gateway.upstream import Endpoints, open_session


async def test_an_unset_credential_disables_its_provider_and_nothing_else(monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    monkeypatch.setenv("SOME_KEY", "s3cret")
    providers = {
        "off": Provider("openai", "http://h", "env:NO_KEY"),
        "on": Provider("anthropic", "http://h", "env:SOME_KEY"),
        "open": Provider("openai", "http://h"),
    }
    async with open_session(1, 1) as session:
        endpoints = Endpoints(providers, session)
    assert list(endpoints.disabled) == ["off"]
    assert endpoints.find("on").secret == "s3cret"
    assert endpoints.find("open").secret is None
    with pytest.raises(UpstreamUnavailable, match="disabled"):
        endpoints.find("off")
    with pytest.raises(InvalidRequest, match="unknown provider"):
        endpoints.find("other")
