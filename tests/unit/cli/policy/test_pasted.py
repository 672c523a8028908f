"""A request is read as people have it at hand, and goes to the provider that it is for."""

from __future__ import annotations

import pytest

from cli.policy.pasted import Pasted, provider_and_path, read_pasted
from gateway.config import Config, Provider
from gateway.errors import ConfigError

CONFIG = Config(
    providers={
        "openai": Provider("openai", "http://127.0.0.1:9"),
        "claude": Provider("anthropic", "http://127.0.0.1:9"),
        "tools": Provider("mcp", "http://127.0.0.1:9"),
    }
)
BODY = b'{"model": "gpt-4.1"}'


@pytest.mark.parametrize(
    ("text", "method", "url"),
    [
        (BODY, "POST", ""),
        (
            b"curl http://gw/openai/v1/x -H 'A: b' -d '{\"model\": \"gpt-4.1\"}'",
            "POST",
            "http://gw/openai/v1/x",
        ),
        (b"curl -XGET --url http://gw/x", "GET", "http://gw/x"),
        (
            b'curl -sS \\\n --request PUT --data=\'{"model": "gpt-4.1"}\' http://gw/x',
            "PUT",
            "http://gw/x",
        ),
        (b"POST /openai/v1/x HTTP/1.1\r\nHost: gw\r\n\r\n" + BODY, "POST", "/openai/v1/x"),
        (b"GET /v1/models HTTP/1.1\n\n", "GET", "/v1/models"),
    ],
)
def test_a_request_is_read_as_it_is_at_hand(text: bytes, method: str, url: str) -> None:
    found = read_pasted(text)
    assert (found.method, found.url) == (method, url)
    assert found.body == (BODY if b"gpt" in text else b"")


def test_an_agents_name_is_a_header() -> None:
    assert read_pasted(b"curl -A 'a/1 b' http://gw/x").headers == {"User-Agent": "a/1 b"}


def test_a_line_that_names_a_file_or_does_not_end_is_refused() -> None:
    for text in (b"curl -d @body.json http://gw", b"curl -d 'open"):
        with pytest.raises(ConfigError, match="the line for curl"):
            read_pasted(text)


@pytest.mark.parametrize(
    ("pasted", "named", "expected"),
    [
        (
            Pasted(b"{}", url="http://gw/claude/v1/messages?beta=true"),
            "",
            ("claude", "/v1/messages?beta=true"),
        ),
        (
            Pasted(b"{}", url="https://api.openai.com/v1/chat/completions"),
            "",
            ("openai", "/v1/chat/completions"),
        ),
        (Pasted(b'{"model": "claude-5"}'), "", ("claude", "")),
        (Pasted(b'{"jsonrpc": "2.0"}'), "", ("tools", "")),
        (Pasted(b"{}", headers={"Anthropic-Version": "2023-06-01"}), "", ("claude", "")),
        (Pasted(b"not json"), "", ("openai", "")),
        (Pasted(b"{}"), "tools", ("tools", "")),
    ],
)
def test_the_provider_is_the_one_that_it_is_for(
    pasted: Pasted, named: str, expected: tuple[str, str]
) -> None:
    assert provider_and_path(CONFIG, pasted, named) == expected
