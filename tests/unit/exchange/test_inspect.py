"""What inspected parts show: newness by speaker, masked pointers; and what cannot be masked is refused."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway import detect
from gateway.config import Detect, ServerKey
from gateway.contract.decision import Mask
from gateway.contract.guards import CREDENTIAL_ENTITY
from gateway.errors import PolicyDenied
from gateway.exchange.inspect import Inspector, mark_history, scope_of
from gateway.exchange.mask import mask_body
from gateway.masking import Vault, with_placeholders
from gateway.sessions.session import Sessions
from gateway.words import Finding, Kind, Part
from tests.support.values import CREDENTIAL, EMAIL, INJECTION, OTHER_EMAIL
from tests.unit.exchange.conftest import NewExchange
from tests.unit.policy.conftest import request_document

KEY = ServerKey(b"s" * 32)
REDACT = {"EMAIL_ADDRESS": (Mask(entity="EMAIL_ADDRESS", operator="redact"),)}


@pytest.fixture(scope="module")
def detector() -> detect.Detector:
    return detect.Detector(Detect())


@pytest.fixture
async def inspector(detector: detect.Detector) -> AsyncIterator[Inspector]:
    inspection = detect.DetectionService(detector, 10)
    yield Inspector(inspection, detector, KEY)
    await inspection.close()


async def test_a_phrase_is_new_again_when_somebody_else_says_it(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    exchange = new_exchange()
    exchange.received = replace(exchange.received, session=Sessions(KEY).enter("agent", "s", ""))
    said = Part("system", "system", "/messages/0/content", INJECTION)
    [first] = await inspector.prompt(exchange, [said])
    scope = scope_of(exchange.agent, exchange.provider, (), "r1")
    exchange.session.mark_forwarded(scope, [first.digest])
    speakers: list[tuple[str, Kind]] = [
        ("system", "system"),
        ("user", "text"),
        ("user", "tool_result"),
        ("tool", "tool_result"),
        ("assistant", "text"),
        ("", "field"),
    ]
    parts = [Part(role, kind, "/x", INJECTION) for role, kind in speakers]
    seen = exchange.session.seen(scope)
    again = mark_history(await inspector.prompt(exchange, parts), seen, exchange.dialect)

    assert first.new
    assert [part.new for part in again] == [False, True, True, True, True, True]


@pytest.mark.parametrize("count", [1, 800], ids=["few", "so many that a thread takes them"])
async def test_a_key_with_a_value_stands_masked_in_every_pointer_below_it(
    inspector: Inspector, new_exchange: NewExchange, count: int
) -> None:
    top, deep = "/metadata/jane.roe@acme.org", f"/metadata/{EMAIL}/list/{OTHER_EMAIL}"
    parts = [
        Part("", "field", top, EMAIL, "key"),
        Part("", "field", deep, OTHER_EMAIL, "key"),
        *(Part("", "field", f"{deep}/{number}", "harmless") for number in range(count)),
        Part("", "field", "/metadata/other", "harmless"),
    ]
    exchange = new_exchange()
    for inspected in (
        await inspector.inspect_envelope(exchange, parts),
        await inspector.completion(exchange, parts),
    ):
        shown = [part.pointer for part in inspected]
        assert [pointer for pointer in shown if "@" in pointer] == []
        assert shown[2].startswith("/metadata/<EMAIL_ADDRESS_")
        assert shown[2].endswith("/0")
        assert shown[-1] == "/metadata/other"
        assert inspected[2].part.pointer == f"{deep}/0"
        read = request_document(parts=inspected)["prompt"]["parts"]
        assert [part["pointer"] for part in read] == shown


@pytest.mark.parametrize("text", [EMAIL, CREDENTIAL])
async def test_what_cannot_be_masked_where_it_stands_is_refused(
    inspector: Inspector, new_exchange: NewExchange, text: str
) -> None:
    exchange = new_exchange()
    parts = await inspector.completion(exchange, [Part("assistant", "field", "/id", text, "structural")])
    document: dict[str, Any] = {"id": text}
    with pytest.raises(PolicyDenied, match="a field that is syntax") as caught:
        mask_body(document, parts, REDACT, exchange.response_vault)
    assert text not in str(caught.value)


async def test_the_credential_is_redacted_whatever_policy_says(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    exchange = new_exchange()
    text = f"called with {CREDENTIAL} twice: {CREDENTIAL}"
    parts = await inspector.completion(exchange, [Part("", "field", "/error/details", text)])
    document = {"error": {"details": text}}
    masked = mask_body(document, parts, {}, exchange.response_vault)

    assert CREDENTIAL not in str(masked)
    assert masked["error"]["details"].count(CREDENTIAL_ENTITY) == 2


async def test_headers_with_a_value_a_credential_or_no_ascii_are_left_out(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    sent = {
        "x-request-id": f"for {EMAIL}",
        "request-id": f"by {CREDENTIAL}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "caf\u00e9",
        "content-language": "e\x00n",
        "retry-after": "7",
    }
    headers = await inspector.headers(new_exchange(), sent)

    assert headers == {"openai-version": "2020-10-01", "retry-after": "7"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"card": 4111111111111111}', {"card": "<CREDIT_CARD_*>"}),
        ('{"cards": [4111111111111111, 1]}', {"cards": ["<CREDIT_CARD_*>", 1]}),
        ('{"card": "4111111111111111"}', {"card": "<CREDIT_CARD_*>"}),
        ('{"note": "a, 4111111111111111, b"}', {"note": "a, <CREDIT_CARD_*>, b"}),
    ],
)
def test_json_stays_json_when_a_bare_number_of_it_is_masked(text, masked):
    start = text.index("4111111111111111")
    finding = Finding("CREDIT_CARD", "pii", 1.0, "/a", start, start + 16)
    shown = with_placeholders(text, [finding], Vault(b"k" * 32))
    assert json.loads(re.sub(r"(<CREDIT_CARD_)\w+>", r"\1*>", shown)) == masked


@pytest.mark.parametrize("text", [f"to={EMAIL}", "to=all"])
async def test_an_envelope_that_comes_again_is_masked_again(
    new_exchange: NewExchange, inspector: Inspector, text: str
) -> None:
    """Only what was clean is known again: what holds a value is masked for each exchange."""
    parts = [Part("", "field", "path", "/v1/files", "structural"), Part("", "field", "query", text)]
    first, second, third = [await inspector.inspect_envelope(new_exchange(), parts) for _ in range(3)]
    assert [one.masked for one in second] == [one.masked for one in third] == [one.masked for one in first]
    assert [one.findings for one in third] == [one.findings for one in first]
    assert (EMAIL in third[1].masked, bool(third[1].findings)) == (False, EMAIL in text)
