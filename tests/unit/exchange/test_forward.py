"""What goes to the provider is masked and on record; a caller that lost its key sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.audit import Journal, new_writer
from gateway.audit.sealing.content import ContentKey
from gateway.config import Limits, ServerKey
from gateway.contract.decision import Decision, Mask
from gateway.dialects import read_prompt
from gateway.errors import RecordingFailed, Unauthenticated
from gateway.exchange.exchange import Exchange
from gateway.exchange.forward import Forwarder
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import Inspector, scope_of
from gateway.exchange.record import Ledger
from gateway.exchange.seats import Rooms
from gateway.exchange.steps import Decided, Inspected
from gateway.identity import Identity, create_key
from gateway.sessions.session import Sessions
from gateway.state import Keys, open_state
from gateway.upstream import ReplayedResponse, Upstream, UpstreamRequest, UpstreamResponse, pack
from gateway.upstream.directory import SigningSecrets
from gateway.upstream.sigv4 import AwsKeys, Signature
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange

KEY = ServerKey(b"s" * 32)


@dataclass
class Provider:
    """A transport that answers with one status and keeps what it got."""

    status: int = 200
    got: list[UpstreamRequest] = field(default_factory=list)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        self.got.append(request)
        return ReplayedResponse(self.status, {"content-type": "application/json"}, b"{}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "evidence.key")
    journal.start()
    yield journal
    journal.close()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    state = open_state(tmp_path / "regate.db")
    yield Keys(state)
    state.close()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def forwarder(journal: Journal, keys: Keys) -> Forwarder:
    nothing = cast(Any, None)  # no request here has an approval
    holder = Holder(nothing, nothing, KEY, nothing)
    ledger = Ledger(journal, ContentKey(b"content"))
    return Forwarder(Identity(keys, fresh_seconds=0), holder, Rooms(Limits(), {}), ledger, KEY)


@pytest.fixture
async def exchange(
    new_exchange: NewExchange, inspector: Inspector, keys: Keys, provider: Provider
) -> Exchange:
    """An exchange whose prompt holds a value, which is to be masked."""
    body = {"model": "m", "temperature": 0.5, "messages": [{"role": "user", "content": f"write to {EMAIL}"}]}
    exchange = new_exchange()
    exchange.received = replace(exchange.received, upstream=Upstream("openai", "openai", provider, None))
    _, key = create_key(keys, agent="coder", owner="ana", now=0)
    exchange.agent = await Identity(keys).identify(f"Bearer {key}", None, None)
    exchange.received = replace(exchange.received, session=Sessions(KEY).enter("coder", "s", ""))
    exchange.received = replace(
        exchange.received, dialect="openai.chat", body=body, prompt=read_prompt("openai.chat", body)
    )
    parts = await inspector.prompt(exchange, exchange.prompt.parts)
    exchange.inspected = Inspected(parts, "m", ("m",), "r1")
    decision = Decision("mask", mask=(Mask("EMAIL_ADDRESS", restore=True),), revision="r1")
    exchange.decided = Decided("request", "dec_1", decision, ("EMAIL_ADDRESS",), 0, 0)
    return exchange


def is_history(exchange: Exchange) -> bool:
    scope = scope_of(exchange.agent, exchange.provider, exchange.inspected.models, exchange.revision)
    return {part.digest for part in exchange.parts} <= exchange.session.seen(scope)


async def test_what_went_up_stays_secret_when_its_keys_are_replaced(
    forwarder: Forwarder, exchange: Exchange, inspector: Inspector, provider: Provider
) -> None:
    """The session token of AWS is read again while a request is under way."""
    read, now = ["t0ken-of-before", "t0ken-of-after"], [0.0]
    signature = Signature(lambda: AwsKeys("AKID", "k", read.pop(0)), "r", "bedrock", now=lambda: now[0])
    upstream = replace(exchange.upstream, secrets=SigningSecrets(signature, ()))
    exchange.received = replace(exchange.received, upstream=upstream)
    await forwarder.forward(exchange, None)
    now[0] += 61
    assert upstream.secret == "t0ken-of-after"
    headers = {"retry-after": "t0ken-of-before", "content-language": "en"}
    assert await inspector.headers(exchange, headers) == {"content-language": "en"}


async def test_the_body_is_masked_and_otherwise_as_it_was(
    forwarder: Forwarder, exchange: Exchange, provider: Provider
) -> None:
    answer = await forwarder.forward(exchange, None)
    (request,) = provider.got
    sent = json.loads(request.body)
    said = sent["messages"][0]["content"]
    assert EMAIL.encode() not in request.body
    assert sent == {**exchange.received.body, "messages": [{"role": "user", "content": said}]}
    assert said.startswith("write to ")
    assert (request.method, request.path, answer.status) == ("POST", "/v1/chat/completions", 200)
    assert exchange.restorer.whole(said) == f"write to {EMAIL}"
    assert exchange.forwarded is not None
    assert exchange.forwarded.bytes == len(request.body)
    assert exchange.forwarded.digest == KEY.digest("sent", request.body).hex()


@pytest.mark.parametrize(
    ("status", "served"), [(200, True), (400, True), (401, False), (429, False), (500, False)]
)
async def test_only_what_the_provider_served_is_history(
    forwarder: Forwarder, exchange: Exchange, provider: Provider, status: int, served: bool
) -> None:
    provider.status = status
    await forwarder.forward(exchange, None)
    assert is_history(exchange) is served


async def test_a_key_that_was_revoked_meanwhile_sends_nothing(
    forwarder: Forwarder, exchange: Exchange, keys: Keys, provider: Provider
) -> None:
    keys.revoke(keys.list()[0].id, 1.0)
    with pytest.raises(Unauthenticated, match="this key has ended"):
        await forwarder.forward(exchange, None)
    assert (provider.got, exchange.forwarded) == ([], None)


async def test_what_cannot_be_recorded_is_not_sent(
    forwarder: Forwarder, exchange: Exchange, journal: Journal, provider: Provider
) -> None:
    journal.close()
    with pytest.raises(RecordingFailed):
        await forwarder.forward(exchange, None)
    assert (provider.got, exchange.forwarded) == ([], None)


async def test_a_kept_answer_is_given_without_a_call(
    forwarder: Forwarder, exchange: Exchange, provider: Provider
) -> None:
    kept = pack(ReplayedResponse(201, {"content-type": "application/json"}, b""), b'{"kept": 1}')
    answer = await forwarder.forward(exchange, kept)
    assert answer.status == 201
    assert b"".join([chunk async for chunk in answer.chunks()]) == b'{"kept": 1}'
    assert (provider.got, exchange.forwarded) == ([], None)
