"""A dialect is one folder and one line: everything else asks it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.config import Detect, Provider
from gateway.contract import Mask
from gateway.detect import Detector
from gateway.dialects import (
    dialect_of,
    error_document,
    error_event,
    families,
    put,
    read_completion,
    read_prompt,
    registry,
    stream_reader,
    usual_path,
)
from gateway.dialects.dialect import Dialect, Family
from gateway.dialects.reading.leaves import FIELD, Grammar, Walk, structural
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.stream import json_event
from gateway.masking import Vault, apply_mask, splice
from gateway.upstream import UpstreamRequest, Upstreams, down_headers, open_session, up_headers
from gateway.words import Completion, Prompt
from tests.support.values import EMAIL

# The folder: a telegram has a sender, who is named, and lines, which are said.

GRAMMAR = Grammar(
    words=frozenset({"sender", "lines", "model"}),
    readers={
        "model": structural,
        "lines": lambda walk, _, value, at, __: walk.syntax(value, at, ("user", "text")),
    },
    label=lambda _, label: label,
)


def read_telegram(document: Any) -> Prompt:
    walk = Walk(GRAMMAR)
    walk.members(document, "", FIELD)
    return Prompt(tuple(walk.parts), model=string(document, "model"))


def read_reply(document: Any) -> Completion:
    return Completion(read_telegram(document).parts)


POST_OFFICE = Family(
    name="post",
    credential=lambda secret: {"x-stamp": secret},
    request_headers=frozenset({"x-express"}),
    response_headers=frozenset({"x-postmark-"}),
    error_document=lambda members: {"returned": members},
    error_event=json_event,
)

TELEGRAM = Dialect(
    name="post.telegram",
    family=POST_OFFICE,
    paths=("*/telegrams",),
    usual_path="/v1/telegrams",
    read_prompt=read_telegram,
    read_completion=read_reply,
    demo=lambda body, number: {"lines": [f"No. {number}: {body['lines'][-1]}"]},
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    # The line.
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, TELEGRAM))


def test_a_request_is_told_by_its_family_and_path() -> None:
    spoken = [
        dialect_of("post", "POST", path, "application/json", True) for path in ("/v1/telegrams", "/v1/x")
    ]
    assert spoken == ["post.telegram", "json"]
    assert dialect_of("openai", "POST", "/v1/telegrams", "application/json", True) == "json"
    assert usual_path("post") == "/v1/telegrams"


def test_a_prompt_is_read_inspected_and_masked() -> None:
    document = {"sender": "us", "lines": ["hello", f"write to {EMAIL}"], "model": "m", "odd": 1234567}
    prompt = read_prompt("post.telegram", document)
    assert [(part.role, part.kind, part.pointer, part.place) for part in prompt.parts] == [
        ("", "field", "/sender", "value"),
        ("user", "text", "/lines/0", "value"),
        ("user", "text", "/lines/1", "value"),
        ("", "field", "/model", "structural"),
        ("", "field", "/odd", "key"),
        ("", "field", "/odd", "number"),
    ]
    found = Detector(Detect()).find(prompt.parts)
    assert [[finding.entity for finding in one] for one in found] == [[], [], ["EMAIL_ADDRESS"], [], [], []]
    vault = Vault(b"k" * 32)
    (finding,), said = found[2], prompt.parts[2]
    masked = splice(said.text, (finding,), lambda one: apply_mask(Mask(one.entity), one, EMAIL, vault))
    put(document, finding.pointer, masked)
    assert document["lines"] == ["hello", f"write to {vault.placeholder('EMAIL_ADDRESS', 'pii', EMAIL)}"]
    assert read_completion("post.telegram", {"lines": ["STOP"]}).parts[0].text == "STOP"
    assert stream_reader("post.telegram") is None


def test_a_refusal_has_the_shape_that_its_clients_expect() -> None:
    document = error_document("post", "policy_denied", "no", {"decision_id": "d1"})
    assert document["returned"]["code"] == "policy_denied"
    assert orjson.loads(error_event("post", document).data) == document


async def test_its_provider_can_be_configured_and_called() -> None:
    assert "post" in families()
    assert up_headers({"X-Express": "1", "Cookie": "c"}) == {"x-express": "1"}
    assert down_headers({"X-Postmark-Day": "7", "X-Other": "1"}, None) == {"x-postmark-day": "7"}
    async with open_session(1, 1) as session:
        found = Upstreams({"desk": Provider("post", "builtin:demo")}, session).find("desk")
        request = UpstreamRequest("POST", "/v1/telegrams", "", {}, b'{"lines": ["hi"]}')
        response = await found.transport.send(request)
        assert [chunk async for chunk in response.chunks()] == [b'{"lines":["No. 1: hi"]}']
