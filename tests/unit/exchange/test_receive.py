"""What a request may look like before anybody inspects it: its query, and how many parts its body has."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from gateway.config import Limits
from gateway.errors import InvalidRequest, PromptTooLarge
from gateway.exchange.receive import Receiver, _from_lines, open_envelope, outgoing_headers, read_tags
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


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        ("", {}),
        ("team=payments, env=prod", {"team": "payments", "env": "prod"}),
        ("q=a=b,p=two words ", {"q": "a=b", "p": "two words"}),
        *((bad, None) for bad in ("a", "a=", "A=b", "a=b,", "a=b,a=c", "a=\xe9", "a=" + "x" * 129)),
        (",".join(f"t{number}=1" for number in range(17)), None),
    ],
)
def test_tags_are_read_or_refused(said: str, tags: dict[str, str] | None) -> None:
    if tags is None:
        with pytest.raises(InvalidRequest, match="x-regate-tags: expected at most 16 names"):
            read_tags(said)
    else:
        assert read_tags(said) == tags


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
    ("content_type", "up"),
    [
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x"),
        ("", "application/octet-stream"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/vnd.api+json", "application/json"),
    ],
)
def test_only_a_body_that_is_json_gets_another_content_type(
    new_exchange: NewExchange, content_type: str, up: str
) -> None:
    exchange = new_exchange(headers={"content-type": content_type, "authorization": "Bearer rg_x"})
    envelope, _ = open_envelope(exchange.call)
    headers = outgoing_headers(envelope, content_type)
    assert headers["content-type"] == up
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "found", ["x-title: a\nx-note: <EMAIL>", "<EMAIL>\nx-title: a", "x-note: b\n\nx-other: 1"]
)
def test_only_headers_that_are_whole_go_up(found: str) -> None:
    given = {"x-title": "a", "x-note": "jane@acme.org"}
    assert _from_lines(found, given).keys() <= given.keys()
    assert "jane@acme.org" not in str(_from_lines(found, given))


async def test_an_approval_of_a_form_holds_under_another_boundary(new_exchange: NewExchange) -> None:
    """SDKs make up a boundary with each sending."""

    async def read(boundary: str, text: str = "x") -> tuple[bytes, dict[str, str]]:
        field = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{text}\r\n--{boundary}--'
        content_type = f"multipart/form-data; boundary={boundary}"
        exchange = new_exchange(field.encode(), headers={"content-type": content_type})
        await receiver().read(exchange)
        assert exchange.received.headers["content-type"] == content_type
        return exchange.received.unmasked, exchange.received.bound_headers

    assert await read("one") == await read("two")
    assert (await read("one"))[0] != (await read("one", "y"))[0]
