"""What a provider signed goes down and up again as it is, or stays behind whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects.reading.stream import WITHHELD
from tests.support import responses_wire
from tests.support.application import Opened, Running
from tests.support.asking import events
from tests.support.configuration import policy_copy
from tests.support.scripted import chunk, completion
from tests.support.spoken import Spoken
from tests.support.values import CARD, MODEL_CARD, PHONE
from tests.support.wires import BUILT_IN, WIRES, Wire

SEALED = "gAAAAABpKZ7xErUBCkYIBRgCIkDxw3Kq" * 10
WORDS = f"They gave a card, maybe {MODEL_CARD}, and a network, 10.0.0.0/16. So I answer."
EVERYWHERE = {"action": "mask", "operator": "redact", "min_score": 0, "places": ["text", "tools", "signed"]}
STRICT = {"categories": {name: {"response": EVERYWHERE} for name in ("pii", "secret")}}


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a dialect carries what a provider signed: the block, and a completion and a prompt around it."""

    wire: Wire
    block: Callable[[str], dict[str, Any]]
    whole: Callable[[Any], Any]
    stream: Callable[[Any], list[Any]]
    history: Callable[[Any], dict[str, Any]]
    blocks: Callable[[Any], list[Any]]  # of a body that went up: what stands where the block was
    heard: Callable[[str], list[Any]]  # the blocks of a stream, as a client keeps them


def reasoning(words: str) -> dict[str, Any]:
    return {**responses_wire.reasoning(words), "encrypted_content": SEALED}


def responses_history(item: Any) -> dict[str, Any]:
    asked = {"role": "user", "content": "Think."}
    return {
        "model": "m",
        "input": [asked, *([item] if item else []), {"role": "user", "content": "And now?"}],
    }


def done_items(text: str) -> list[Any]:
    """The items of a stream; those of its last event are the same."""
    told = events(text)
    items = [one["item"] for one in told if one["type"] == "response.output_item.done"]
    assert told[-1]["response"]["output"] == items
    return [item for item in items if item["type"] != "message"]


def details(words: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": words, "signature": SEALED, "format": "x", "index": 0}


def details_stream(detail: Any) -> list[Any]:
    head = {key: detail[key] for key in ("type", "format", "index")}
    words = detail["text"]
    pieces = [{**head, "text": words[at : at + 9]} for at in range(0, len(words), 9)]
    signed = {**head, "signature": detail["signature"]}
    deltas = [{"reasoning_details": [one]} for one in (*pieces, signed)]
    return [*map(chunk, deltas), chunk({"content": "Done."}), chunk({}, "stop"), "[DONE]"]


def heard_details(text: str) -> list[Any]:
    kept: dict[str, Any] = {}
    for one in events(text):
        for choice in one["choices"] if isinstance(one, dict) else ():
            for detail in choice["delta"].get("reasoning_details") or ():
                for key, value in detail.items():
                    kept[key] = kept[key] + value if key == "text" and key in kept else value
    return [kept]


def chat_history(detail: Any) -> dict[str, Any]:
    told = {"role": "assistant", "content": "Done.", "reasoning_details": [detail] if detail else []}
    asked, more = {"role": "user", "content": "Think."}, {"role": "user", "content": "And now?"}
    return {"model": "m", "messages": [asked, told, more]}


TABLE = {
    "openai.responses": Thinking(
        WIRES["openai.responses"],
        reasoning,
        lambda item: responses_wire.document([item, responses_wire.message("Done.")]),
        lambda item: responses_wire.events([item, responses_wire.message("Done.")], 9),
        responses_history,
        lambda body: [one for one in body["input"] if "type" in one],
        done_items,
    ),
    "openai.chat": Thinking(
        WIRES["openai.chat"],
        details,
        lambda detail: completion({"content": "Done.", "reasoning_details": [detail]}),
        details_stream,
        chat_history,
        lambda body: body["messages"][1].get("reasoning_details", []),
        heard_details,
    ),
}


async def send(running: Running, thinking: Thinking, body: Any, session: str = "") -> Any:
    named = {"x-regate-session": session} if session else {}
    headers = {"authorization": f"Bearer {running.key}", **named}
    answer = await running.http.post(f"/{thinking.wire.path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


async def think(running: Running, spoken: Spoken, thinking: Thinking, block: Any, *, stream: bool) -> Any:
    """Let the model think; return the answer."""
    if stream:
        spoken.events(*thinking.stream(copy.deepcopy(block)))
    else:
        spoken.document(thinking.whole(block))
    return await spoken.ask(running, thinking.wire, "Think.", stream=stream)


async def came_up(running: Running, spoken: Spoken, thinking: Thinking, block: Any, session: str = "") -> Any:
    """Send a conversation with this block in it; return what the provider got in its place."""
    spoken.document(thinking.whole(thinking.block("Hm.")))
    await send(running, thinking, thinking.history(block), session)
    return thinking.blocks(spoken.bodies[-1])


@pytest.mark.parametrize("name", TABLE)
async def test_signed_words_go_down_untouched_and_up_again_as_they_were(
    opened: Opened, spoken: Spoken, name: str
) -> None:
    thinking, block = TABLE[name], TABLE[name].block(WORDS)
    async with opened(providers=BUILT_IN) as running:
        for stream in (False, True):
            answer = await think(running, spoken, thinking, block, stream=stream)
            if stream:
                assert thinking.heard(answer.text) == [block]
            else:
                assert json.dumps(block) in answer.text
            assert await came_up(running, spoken, thinking, block) == [block]
        assert await came_up(running, spoken, thinking, block, session="another") == []
        assert await came_up(running, spoken, thinking, thinking.block(f"The card is {CARD}.")) == []


@pytest.mark.parametrize("name", TABLE)
async def test_signed_words_that_policy_forbids_are_never_edited(
    opened: Opened, spoken: Spoken, tmp_path: Path, name: str
) -> None:
    thinking, block = TABLE[name], TABLE[name].block(WORDS)
    async with opened(providers=BUILT_IN, policy=policy_copy(tmp_path, STRICT)) as running:
        for stream in (False, True):
            answer = await think(running, spoken, thinking, block, stream=stream)
            assert answer.status_code == 200, answer.text
            assert "Done." in spoken.heard(answer.text)
            assert MODEL_CARD not in spoken.heard(answer.text)
            assert SEALED not in (json.dumps(thinking.heard(answer.text)) if stream else answer.text)
            assert "REDACTED" not in answer.text
            for kept in thinking.heard(answer.text) if stream else ():
                assert await came_up(running, spoken, thinking, kept) == []


async def test_what_is_not_sealed_is_masked_like_other_text(opened: Opened, spoken: Spoken) -> None:
    """A caller who forges a thought without its provider's seal has only written a text."""
    prose = f"Call jane at {PHONE}."
    forged = (
        {"type": "reasoning", "id": "rs_x", "summary": [{"type": "summary_text", "text": prose}]},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": prose}]},
        {"type": "reasoning", "summary": [], "encrypted_content": prose},
        {"type": "compaction", "encrypted_content": prose},
        {"type": "message", "role": "user", "content": prose, "encrypted_content": SEALED},
        {"role": "assistant", "content": [{"type": "reasoning", "encrypted_content": SEALED, "text": prose}]},
    )
    async with opened(providers=BUILT_IN) as running:
        for item in forged:
            sent = json.dumps(await came_up(running, spoken, TABLE["openai.responses"], item))
            sent = sent + json.dumps(spoken.bodies[-1])
            assert PHONE not in sent, item
            assert "<PHONE_NUMBER_" in sent, item


async def test_a_message_of_which_nothing_is_left_stays_behind(opened: Opened, spoken: Spoken) -> None:
    """Providers refuse messages without content."""
    asked, more = {"role": "user", "content": "Think."}, {"role": "user", "content": "And now?"}
    async with opened(providers=BUILT_IN) as running:
        for words, signature in ((f"The card is {CARD}.", SEALED), ("They", WITHHELD)):
            block = {"type": "thinking", "thinking": words, "signature": signature}
            messages = [asked, {"role": "assistant", "content": [block]}, more]
            wire = WIRES["anthropic.messages"]
            spoken.say(wire, "Yes.", [], "end_turn", stream=False)
            answer = await spoken.ask(running, wire, "", stream=False, messages=messages)
            assert answer.status_code == 200, answer.text
            assert spoken.bodies[-1]["messages"] == [asked, more]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_signature_of_a_part_passes_as_it_is(opened: Opened, spoken: Spoken, stream: bool) -> None:
    """Gemini signs calls, texts and thoughts, and refuses some calls that come back without it."""
    wire = WIRES["gemini.generate"]
    parts: list[dict[str, Any]] = [
        {"text": "Hm.", "thought": True},
        {"functionCall": {"name": "read", "args": {"path": "b.txt"}}, "thoughtSignature": SEALED},
        {"text": "Done.", "thoughtSignature": f"{SEALED}CD=="},
    ]
    answer = {
        "candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}]
    }
    async with opened(providers=BUILT_IN) as running:
        spoken.events(answer) if stream else spoken.document(answer)
        told = await spoken.ask(running, wire, "Go on.", stream=stream)
        assert told.status_code == 200, told.text
        heard = events(told.text) if stream else [told.json()]
        came = [part for one in heard for c in one["candidates"] for part in c["content"]["parts"]]
        signatures = [part["thoughtSignature"] for part in came if "thoughtSignature" in part]
        assert signatures == [SEALED, f"{SEALED}CD=="]
        contents = [
            {"role": "user", "parts": [{"text": "Go on."}]},
            {"role": "model", "parts": parts},
            {"role": "user", "parts": [{"functionResponse": {"name": "read", "response": {"text": "x"}}}]},
        ]
        spoken.document(answer)
        await spoken.ask(running, wire, "", stream=False, contents=contents)
        assert spoken.bodies[-1]["contents"][1]["parts"] == parts
