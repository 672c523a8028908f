"""A provider is known by its configured name, and disabled, alone, without its credential."""

import pytest

from gateway.config import Aws, Price, Provider
from gateway.errors import InvalidRequest, UpstreamUnavailable
from gateway.upstream import Upstreams, open_session
from gateway.upstream.directory import SigningSecrets
from gateway.upstream.sigv4 import AwsKeys
from gateway.words import Usage


async def test_an_unset_credential_disables_its_provider_and_nothing_else(monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    monkeypatch.setenv("SOME_KEY", "s3cret")
    providers = {
        "off": Provider("openai", "http://h", "env:NO_KEY"),
        "on": Provider("anthropic", "http://h", "env:SOME_KEY"),
        "open": Provider("openai", "http://h"),
    }
    async with open_session(1, 1) as session:
        upstreams = Upstreams(providers, session)
    assert list(upstreams.disabled) == ["off"]
    assert upstreams.find("on").secret == "s3cret"
    assert upstreams.find("open").secret is None
    assert "s3cret" not in repr(upstreams.find("on"))
    with pytest.raises(UpstreamUnavailable, match="disabled"):
        upstreams.find("off")
    with pytest.raises(InvalidRequest, match="unknown provider"):
        upstreams.find("other")


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("gpt-4o", Usage(1_000_000, 500_000), 7.5),
        ("gpt-4o-mini", Usage(1_000_000, 1_000_000), 0.75),
        ("gpt-4o", Usage(2_000, -1), 0.005),
        ("gpt-4o", Usage(), -1),
        ("o9", Usage(10, 10), -1),
    ],
)
async def test_tokens_cost_what_the_first_fitting_price_says(model, usage, cost):
    prices = {"gpt-4o-mini": Price(0.15, 0.6), "gpt-4o*": Price(2.5, 10)}
    async with open_session(1, 1) as session:
        upstream = Upstreams({"p": Provider("openai", "http://h", prices=prices)}, session).find("p")
    assert upstream.cost(model, usage) == pytest.approx(cost)


@pytest.mark.parametrize(
    ("family", "header", "sent"),
    [
        ("openai", "", {"authorization": "Bearer s3cret"}),
        ("openai", "api-key", {"api-key": "s3cret"}),
        ("anthropic", "", {"x-api-key": "s3cret"}),
        ("gemini", "", {"x-goog-api-key": "s3cret"}),
        ("gemini", "authorization", {"authorization": "s3cret"}),
    ],
)
async def test_a_credential_goes_up_in_the_header_of_its_family_or_its_provider(
    monkeypatch, family, header, sent
):
    monkeypatch.setenv("SOME_KEY", "s3cret")
    provider = Provider(family, "http://h", "env:SOME_KEY", credential_header=header)
    async with open_session(1, 1) as session:
        found = Upstreams({"p": provider}, session).find("p")
        assert found.transport.header("s3cret") == sent


async def test_keys_of_aws_sign_and_a_missing_one_disables(monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_ID", "AKID")
    monkeypatch.setenv("SOME_KEY", "s3cret")
    token = tmp_path / "token"
    aws = Aws("env:SOME_ID", "env:SOME_KEY", f"file:{token}")
    host = "https://bedrock-runtime.eu-central-1.amazonaws.com"
    provider = Provider("bedrock", host, aws=aws)
    assert provider.region == "eu-central-1"
    async with open_session(1, 1) as session:
        off = Upstreams({"bedrock": provider}, session)
        assert off.disabled == {"bedrock": f"its credential file:{token} is not set"}
        token.write_text("t0ken")
        upstream = Upstreams({"bedrock": provider}, session).find("bedrock")
    assert upstream.secret == "t0ken"  # what goes up; the key never does
    assert isinstance(upstream.secrets, SigningSecrets)
    assert "t0ken" not in f"{upstream} {upstream.secrets.signature.keys}"
    assert "SecretAccess" not in repr(AwsKeys("AKID", "SecretAccess"))
    assert (
        upstream.secrets.signature.headers("POST", "h", "/", "", {}, b"")["x-amz-security-token"] == "t0ken"
    )
