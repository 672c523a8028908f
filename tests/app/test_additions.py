"""What a provider adds to its API is never an outage: it is inspected, recorded, and passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.exchange import Ledger
from tests.support import responses_wire
from tests.support.application import Opened
from tests.support.configuration import policy_copy
from tests.support.scripted import chunk, completion, message, message_events
from tests.support.spoken import Spoken
from tests.support.values import MODEL_CARD
from tests.support.wires import BUILT_IN, WIRES

HIDDEN = {"name": "drop_database", "arguments": {"table": "users"}}
HOLOGRAM = {"type": "hologram", "depth": 3, "caption": "A view of the sea."}
SAID = {"type": "text", "text": "", "deltas": [{"type": "text_delta", "text": "Done."}]}
DONE = responses_wire.message("Done.")
RESPONSE = responses_wire.events([DONE])


def said(*parts: Any, reason: str = "STOP") -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [*parts]}, "finishReason": reason}]}


def line(reason: str = "stop", **more: Any) -> dict[str, Any]:
    told = {"role": "assistant", "content": "Done.", **more}
    return {"model": "m", "message": told, "done": True, "done_reason": reason}


def finished(reason: str) -> dict[str, Any]:
    made = completion({"content": "Done."})
    made["choices"][0]["finish_reason"] = reason
    return made


def deltas(*made: Any) -> list[Any]:
    return [*map(chunk, made), chunk({"content": "Done."}), chunk({}, "stop"), "[DONE]"]


# By dialect and addition: a document or the events of a stream, and a word of it that must arrive.
WHOLE: dict[tuple[str, str], Any] = {
    ("openai.chat", "a finish reason"): finished("paused"),
    ("openai.chat", "a role"): completion({"role": "narrator", "content": "Done."}),
    ("openai.chat", "a part"): completion({"content": [{"type": "text", "text": "Done."}, HOLOGRAM]}),
    ("openai.chat", "fields"): completion(
        {"content": "Done.", "mood": {"hologram": "calm"}}, weather="hologram"
    ),
    ("openai.completions", "fields"): {"choices": [{"index": 0, "text": "Done.", "hologram": {"a": "b"}}]},
    ("openai.responses", "a part"): responses_wire.document(
        [{**DONE, "content": [*DONE["content"], HOLOGRAM]}]
    ),
    ("openai.responses", "an item"): responses_wire.document([DONE, {"id": "x", **HOLOGRAM}]),
    ("openai.responses", "a status"): responses_wire.document([DONE], status="paused", hologram={"a": "b"}),
    ("openai.responses", "a role"): responses_wire.document([{**DONE, "role": "narrator"}]),
    ("anthropic.messages", "a block"): message({"type": "text", "text": "Done."}, HOLOGRAM),
    ("anthropic.messages", "a stop reason"): message({"type": "text", "text": "Done."}, stop_reason="paused"),
    ("anthropic.messages", "fields"): message(
        {"type": "text", "text": "Done.", "hologram": ["a"]}, mood="calm"
    ),
    ("gemini.generate", "a part"): said({"text": "Done."}, {"hologram": {"caption": "A view."}}),
    ("gemini.generate", "a field of a part"): said({"text": "Done.", "hologram": {"caption": "A view."}}),
    ("gemini.generate", "a finish reason"): said({"text": "Done."}, reason="PAUSED"),
    ("ollama.chat", "fields"): line(hologram={"caption": "A view."}),
    ("ollama.chat", "a reason"): line("paused"),
}
STREAMED: dict[tuple[str, str], list[Any]] = {
    ("openai.chat", "an event"): ["event: x", {"object": "hologram", "caption": "x"}, *deltas()],
    ("openai.chat", "a delta"): deltas({"hologram": {"caption": "A view."}}),
    ("openai.chat", "a finish reason"): [chunk({"content": "Done."}), chunk({}, "paused"), "[DONE]"],
    ("openai.completions", "fields"): [
        {"choices": [{"index": 0, "text": "Done.", "hologram": "a", "finish_reason": "paused"}]},
        "[DONE]",
    ],
    ("openai.responses", "an event"): [
        RESPONSE[0],
        {"type": "response.hologram.delta", "item_id": "x", "output_index": 0, "delta": "A view"},
        {"type": "weather.changed", "caption": "hologram"},
        *RESPONSE[1:],
    ],
    ("openai.responses", "an item"): responses_wire.events([DONE, {"id": "x", **HOLOGRAM}]),
    ("anthropic.messages", "a block"): message_events(
        SAID, {**HOLOGRAM, "deltas": [{"type": "hologram_delta", "text": "A view", "depth": 4}]}
    ),
    ("anthropic.messages", "an event"): [
        *message_events(SAID)[:-1],
        {"type": "message_hologram", "caption": "A view."},
        message_events(SAID)[-1],
    ],
    ("anthropic.messages", "a delta"): message_events(
        {**SAID, "deltas": [*SAID["deltas"], {"type": "hologram_delta", "depth": 4}]}
    ),
    ("anthropic.messages", "a stop reason"): message_events(SAID, stop="paused"),
    ("gemini.generate", "a part"): [said({"hologram": {"caption": "A view."}}, {"text": "Done."})],
    ("ollama.chat", "fields"): [line(hologram={"caption": "A view."})],
}
NAMED = ("a block", "an event", "a part", "a delta", "an item")  # what the record names


def is_noted(dialect: str, addition: str) -> bool:
    """Whether a dialect tells what is not known here from fields, which a text may have, and from calls."""
    if dialect.startswith("openai"):
        return addition == "an event"
    return addition in NAMED or (dialect == "gemini.generate" and addition == "a field of a part")


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the records of completions name as unknown."""
    found: list[tuple[str, ...]] = []
    record = Ledger.record_completion

    def listen(self: Ledger, *facts: Any) -> None:
        found.append(facts[2].unknown)
        record(self, *facts)

    monkeypatch.setattr(Ledger, "record_completion", listen)
    return found


def tell(spoken: Spoken, dialect: str, answer: Any) -> bool:
    """Let the provider answer with a document, or a stream; return whether it is one."""
    if not isinstance(answer, list):
        spoken.document(answer)
        return False
    spoken.events(*(one for one in answer if one != "event: x"), media_type=WIRES[dialect].media_type)
    return True


async def test_an_addition_passes_and_the_record_names_it(
    opened: Opened, spoken: Spoken, noted: list[tuple[str, ...]]
) -> None:
    async with opened(providers=BUILT_IN) as running:
        for table in (WHOLE, STREAMED):
            for (dialect, addition), answer in table.items():
                stream = tell(spoken, dialect, answer)
                came = await spoken.ask(running, WIRES[dialect], "Go on.", stream=stream)
                case = dialect, addition, stream, came.text
                assert came.status_code == 200, case
                assert "upstream_unreadable" not in came.text, case
                assert "Done." in spoken.heard(came.text), case
                for word in ("hologram", "paused", "narrator"):
                    assert (word in came.text.lower()) is (word in json.dumps(answer).lower()), case
                assert any("hologram" in one for one in noted.pop()) is is_noted(dialect, addition), case


async def test_what_looks_like_a_call_is_refused(opened: Opened, spoken: Spoken) -> None:
    """A client that knows the addition may run it, and nothing would have judged it."""
    acting = {"type": "computer_command", **HIDDEN}
    plain = {"type": "hologram", **HIDDEN}
    deep = {"type": "hologram", "layers": [{"type": "tool_call", **HIDDEN}]}
    pieces = {"type": "input_json_delta", "partial_json": json.dumps(HIDDEN["arguments"])}
    async with opened(providers=BUILT_IN) as running:
        for bad in (acting, plain, deep):
            hidden = {"type": "hologram_delta", **bad, "text": ""} if bad is plain else {**bad, "text": ""}
            answers: tuple[tuple[str, Any], ...] = (
                ("anthropic.messages", message({"type": "text", "text": "Done."}, bad)),
                ("anthropic.messages", message_events(SAID, {**bad, "deltas": []})),
                ("anthropic.messages", message_events({**SAID, "deltas": [hidden]})),
                ("anthropic.messages", [*message_events(SAID)[:-1], bad, message_events(SAID)[-1]]),
                ("gemini.generate", said({"text": "Done."}, {"hologram": bad})),
                ("gemini.generate", [said({"text": "Done."}, {"hologram": bad})]),
                ("anthropic.messages", message_events({**SAID, "deltas": [pieces]})),
                ("openai.chat", [bad, *deltas()]),
                ("openai.responses", [RESPONSE[0], bad, *RESPONSE[1:]]),
            )
            for dialect, answer in answers:
                stream = tell(spoken, dialect, answer)
                came = await spoken.ask(running, WIRES[dialect], "Go on.", stream=stream)
                assert "users" not in came.text, (dialect, bad, came.text)
                assert "upstream_unreadable" in came.text or came.status_code == 502, (
                    dialect,
                    bad,
                    came.text,
                )


async def test_settings_may_refuse_additions_and_values_in_them_are_found(
    opened: Opened, spoken: Spoken, tmp_path: Path
) -> None:
    card = {"type": "hologram", "caption": f"A card: {MODEL_CARD}."}
    blocks = (
        message({"type": "text", "text": "Done."}, card),
        message_events(SAID, {**card, "deltas": []}),
    )
    wire = WIRES["anthropic.messages"]
    strict = {"entities": {"UNKNOWN_CONTENT": {"response": {"action": "deny"}}}}
    async with opened(providers=BUILT_IN) as running:
        for answer in blocks:
            came = await spoken.ask(
                running, wire, "Go on.", stream=tell(spoken, "anthropic.messages", answer)
            )
            assert "<REDACTED_CREDIT_CARD>" in came.text
            assert MODEL_CARD not in came.text
    async with opened(providers=BUILT_IN, policy=policy_copy(tmp_path, strict)) as running:
        for answer in blocks:
            came = await spoken.ask(
                running, wire, "Go on.", stream=tell(spoken, "anthropic.messages", answer)
            )
            assert "policy_denied" in came.text, came.text
            assert "hologram" not in came.text
