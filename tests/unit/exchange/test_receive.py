"""What a request may look like before anybody inspects it: its query, and how many parts its body has."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from gateway.config import Limits
from gateway.errors import InvalidRequest, PromptTooLarge
from gateway.exchange.receive import Receiver, _from_lines, open_envelope, outgoing_headers
from gateway.upstream import Upstreams
from tests.unit.exchange.conftest import NewExchange


def receiver(**limits: int) -> Receiver:
    return Receiver(cast(Upstreams, None), Limits(**limits), *[cast(Any, None)] * 3)


@pytest.mark.parametrize(
    "query", [b"after=%256aane", b"after=%25%36%61", b"%2561fter=1", b"user=jane%2540acme.org", b"a=%2525%"]
)
def test_a_query_that_is_encoded_twice_is_invalid(new_exchange: NewExchange, query: bytes) -> None:
    """What is inspected is decoded once, and a provider that decodes twice would read something else."""
    exchange = new_exchange(raw_query=query)
    with pytest.raises(InvalidRequest, match="percent-encoded twice"):
        open_envelope(exchange.call)


@pytest.mark.parametrize(
    ("query", "text", "up"),
    [
        (b"after=jane%40acme.org&limit=5", "after=jane@acme.org&limit=5", "after=jane%40acme.org&limit=5"),
        (b"after=50%25+off&user=x", "after=50% off&user=x", "after=50%25+off&user=x"),
        (
            b"include[]=a&include[]=b&start_time=17",
            "include[]=a&include[]=b&start_time=17",
            "include%5B%5D=a&include%5B%5D=b&start_time=17",
        ),
        (b"key=rg_a_b&alt=sse", "alt=sse", "alt=sse"),
    ],
)
def test_a_query_is_inspected_decoded_and_goes_up_as_it_was_read(
    new_exchange: NewExchange, query: bytes, text: str, up: str
) -> None:
    exchange = new_exchange(raw_query=query)
    envelope, texts = open_envelope(exchange.call)
    parts = {part.pointer: part.text for part in texts}

    assert (parts["query"], envelope.up_query) == (text, up)


@pytest.mark.parametrize("many", [["a"] * 100, {f"k{number}": 0 for number in range(100)}, [1234567] * 100])
async def test_a_body_of_too_many_parts_is_too_large(new_exchange: NewExchange, many: object) -> None:
    body = json.dumps({"model": "m", "messages": [], "metadata": many}).encode()
    exchange = new_exchange(body)
    with pytest.raises(PromptTooLarge, match="over 99 strings"):
        await receiver(parts=99).read(exchange)

    exchange = new_exchange(body)
    await receiver(parts=200).read(exchange)
    assert len(exchange.prompt.parts) > 99


@pytest.mark.parametrize("family", ["openai", "anthropic"])
async def test_a_large_body_is_read_like_a_small_one(new_exchange: NewExchange, family: str) -> None:
    """It is parsed in a thread, whose refusals must be the same."""
    large = "word " * 100_000
    exchange = new_exchange(json.dumps({"messages": [{"role": "user", "content": large}]}).encode())
    await receiver().read(exchange)
    assert [part.text for part in exchange.prompt.parts if part.kind == "text"] == [large]

    exchange = new_exchange(json.dumps([large]).encode() + b"}")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await receiver().read(exchange)


@pytest.mark.parametrize(
    ("dialect", "content_type"),
    [
        ("none", None),
        ("opaque", "text/plain"),
        ("json", "application/json"),
        ("openai.chat", "application/json"),
    ],
)
def test_only_an_opaque_body_keeps_its_content_type(
    new_exchange: NewExchange, dialect: str, content_type: str | None
) -> None:
    exchange = new_exchange(headers={"content-type": "text/plain", "authorization": "Bearer rg_x"})
    envelope, _ = open_envelope(exchange.call)
    headers = outgoing_headers(envelope, "text/plain", dialect)
    assert headers.get("content-type") == content_type
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "found", ["x-title: a\nx-note: <EMAIL>", "<EMAIL>\nx-title: a", "x-note: b\n\nx-other: 1"]
)
def test_only_headers_that_are_whole_go_up(found: str) -> None:
    given = {"x-title": "a", "x-note": "jane@acme.org"}
    assert _from_lines(found, given).keys() <= given.keys()
    assert "jane@acme.org" not in str(_from_lines(found, given))
