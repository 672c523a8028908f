"""The table of providers is whole: each client has its provider, each host is told from its neighbors."""

from __future__ import annotations

import pytest

from cli.scan.clients import GO, HOST, JAVA, KEYS, PYTHON, READY_MADE, RUBY, SCRIPT, VENDORS


def test_every_client_and_key_is_of_a_provider_in_the_table() -> None:
    named = {client.vendor for table in (PYTHON, SCRIPT, RUBY, GO, JAVA) for client in table}
    named |= {vendor for vendor, _ in KEYS} | {vendor for _, vendor in READY_MADE.values()}
    assert named <= VENDORS.keys()


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("eu.api.openai.com", "openai"),
        ("https://acme-eu.openai.azure.com/openai", "azure"),
        ("api.anthropic.com:443", "anthropic"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", "bedrock"),
        ("europe-west4-aiplatform.googleapis.com", "vertex"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("'https://api.x.ai'", "xai"),
    ],
)
def test_a_host_is_of_its_provider(text: str, vendor: str) -> None:
    found = HOST.search(text)
    assert found
    assert found.lastgroup == vendor


@pytest.mark.parametrize(
    "text",
    ["my-api.x.ai", "api.openai.com.evil.example", "docs.anthropic.com", "openrouter.ai", "notapi.groq.com"],
)
def test_a_host_of_another_is_none(text: str) -> None:
    assert not HOST.search(text)
