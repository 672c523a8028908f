"""Who speaks in the pieces of a Converse stream, and what in them is exempt."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from gateway.dialects.bedrock.bodies import read_parts
from gateway.dialects.bedrock.grammar import REQUEST
from gateway.dialects.reading.document import Malformed

SEALED = base64.b64encode(random.Random(7).randbytes(504)).decode()


@pytest.mark.parametrize(
    ("document", "label"),
    [
        ({"delta": {"text": "x"}}, ("assistant", "text")),
        ({"delta": {"reasoningContent": {"text": "x"}}}, ("assistant", "signed")),
        ({"delta": {"citation": {"sourceContent": [{"text": "x"}]}}}, ("assistant", "text")),
        ({"delta": {"citation": {"location": {"web": {"url": "x"}}}}}, ("assistant", "field")),
        ({"start": {"toolResult": {"status": "x"}}}, ("tool", "field")),
        ({"message": "x"}, ("", "field")),
        ({"trace": {"guardrail": {"modelOutput": ["x"]}}}, ("", "field")),
    ],
)
def test_pieces_of_an_answer_are_the_assistants(document: dict[str, Any], label: tuple[str, str]) -> None:
    (part,) = [part for part in read_parts(document)[0] if part.text == "x"]
    assert (part.role, part.kind) == label


def test_counts_and_seals_are_exempt() -> None:
    document = {"usage": {"inputTokens": 4155552671}, "metrics": {"latencyMs": 4155552671}}
    assert read_parts(document)[0] == ()
    parts, attachments = read_parts({"delta": {"reasoningContent": {"signature": SEALED}}})
    assert parts == ()
    assert attachments[0].kind == "signature"
    assert read_parts({"delta": {"reasoningContent": {"redactedContent": SEALED}}})[1][0].kind == "encrypted"


def test_the_block_of_a_thought_goes_or_stays_as_one() -> None:
    thought = {"reasoningText": {"text": "t", "signature": SEALED}}
    document = {"messages": [{"role": "assistant", "content": [{"reasoningContent": thought}]}]}
    (part,) = [part for part in REQUEST.read(document)[0] if part.text == "t"]
    assert part.block == "/messages/0/content/0"


def test_a_key_in_other_letters_is_refused() -> None:
    with pytest.raises(Malformed):
        REQUEST.read({"Messages": []})


@pytest.mark.parametrize("member", ["toolUse", "toolResult", "document", "searchResult"])
def test_a_member_that_is_null_is_not_there(member: str) -> None:
    """AWS ignores it, so the block is what its other member says."""
    document = {"messages": [{"role": "user", "content": [{"text": "x", member: None}]}]}
    (part,) = (part for part in REQUEST.walk(document).leaves()[0] if part.text == "x")
    assert (part.role, part.kind) == ("user", "text")
