"""A body that no parser knows passes only as text that was read, under an inspected content type."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import Limits
from gateway.exchange.exchange import Exchange
from gateway.exchange.receive import Receiver
from gateway.exchange.steps import Call
from gateway.upstream import Upstreams
from gateway.words import Source
from tests.support.asking import post, refusal
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.people import approve
from tests.support.values import API_KEY, EMAIL, INJECTION

ON_ANY_MACHINE = settings(suppress_health_check=[HealthCheck.too_slow])  # a busy one draws slowly
PATH = "openai/v1/echo"


@pytest.fixture(scope="module")
def gateway(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("opaque")
    settings = {
        "approval": {"wait_seconds": 0.2},
        "endpoints": {"dialects": ["opaque", "lines"], "binary_bodies": ["audio/*"]},
    }
    policy = policy_copy(folder, settings)
    process = GatewayProcess(folder, configuration(running_provider.url, engine=any_engine(), policy=policy))
    yield process.start()
    process.kill()


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana")


def test_a_value_in_the_content_type_does_not_pass(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    """An agent carries a secret out beside the body, where nothing looked."""
    for content_type in (
        f"text/plain; note={EMAIL}",
        f'multipart/mixed; boundary="{API_KEY}"',
        f"text/{API_KEY}",
        f"audio/{API_KEY}",
    ):
        answer = post(http, gateway, key, b"\xff hello", path=PATH, headers={"content-type": content_type})
        assert refusal(answer) == (403, "policy_denied")
        assert API_KEY not in answer.text
    assert provider.received() == []
    gateway.closing(answer.headers["x-regate-exchange-id"])
    assert not any(API_KEY.encode() in content for content in gateway.written().values())


def test_an_approval_does_not_pass_under_another_content_type(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    """An agent has plain text approved and sends the same bytes as something that runs."""
    body, plain = f"plans. {INJECTION}".encode(), {"content-type": "text/plain"}
    held = post(http, gateway, key, body, path=PATH, headers=plain)
    assert refusal(held) == (403, "approval_required")
    approve(gateway, held.json()["error"]["approval_id"], gateway.create_key("bob", "bob", role="approver"))
    for content_type in ("text/html", "text/plain; charset=us-ascii", "application/x-ndjson"):
        other = post(http, gateway, key, body, path=PATH, headers={"content-type": content_type})
        assert refusal(other) == (403, "approval_required")
    assert provider.received() == []

    assert post(http, gateway, key, body, path=PATH, headers=plain).status_code != 403
    assert len(provider.received()) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe\x00binary", "application/octet-stream"),
        (EMAIL.encode("utf-16"), "text/plain"),
        (EMAIL.encode("utf-16-le"), "text/plain"),
        (EMAIL.encode("utf-32-be"), "text/plain"),
        (EMAIL.encode("utf-7"), "text/plain; charset=utf-7"),
        (b"jane+AEA-acme.org", "text/plain;charset=UTF-7"),
        (b"jane+AEA-acme.org", "text/plain; format=flowed; charset = 'utf-7'"),
        (EMAIL.encode("cp037"), 'text/plain; charset="cp037"'),
        (b"hello", "text/plain; charset*=utf-16"),
        (b"hello", "text/plain; charset=utf-8; charset=utf-16"),
    ],
)
def test_a_body_that_is_not_read_does_not_pass(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    body: bytes,
    content_type: str,
) -> None:
    """An agent writes a value in an encoding that the provider reads and no detector does."""
    answer = post(http, gateway, key, body, path=PATH, headers={"content-type": content_type})

    assert refusal(answer) == (403, "policy_denied")
    assert [one["rule"] for one in answer.json()["error"]["reasons"]] == ["endpoints.binary_body"]
    assert provider.received() == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"hello", "text/plain; charset=UTF-8"),
        ("grüße".encode(), "application/x-ndjson"),
        (b"hello", "multipart/mixed; boundary=----formdata-undici-012345678901"),
        (b"\xff\xfb\x90\x00", "Audio/mpeg"),  # the settings name it
    ],
)
def test_honest_bodies_go_up_as_they_came(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    body: bytes,
    content_type: str,
) -> None:
    """What is text, or what the settings let pass, must not be refused or changed."""
    post(http, gateway, key, body, path=PATH, headers={"content-type": content_type})

    assert provider.only().body == body
    assert provider.only().header("content-type") == content_type


@ON_ANY_MACHINE
@given(
    st.binary(min_size=1, max_size=64) | st.text(min_size=1).map(str.encode),
    st.sampled_from(["", "; charset=koi8-r"]),
)
def test_every_byte_of_an_opaque_body_is_read_or_reported(body: bytes, parameters: str) -> None:
    """An attacker looks for bytes that are neither inspected nor shown to policy as unread."""

    async def sent() -> bytes:
        return body

    headers = {"content-type": f"text/plain{parameters}"}
    exchange = Exchange(Call("openai", "POST", b"/", b"", headers, Source("", ""), sent), enforced=True)
    receiver = Receiver(cast(Upstreams, {}), Limits(), *[cast(Any, None)] * 3)
    asyncio.run(receiver.read(exchange))
    texts = [part.text for part in exchange.prompt.parts if part.place == "value"]
    syntax = [part.text for part in exchange.prompt.parts if part.place == "structural"]

    assert [one.bytes for one in exchange.prompt.attachments] == ([] if texts else [len(body)])
    assert not texts or (texts == [body.decode()] and not parameters)
    assert "; ".join(syntax) == exchange.received.headers["content-type"]
