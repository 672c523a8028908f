"""What repeats a text says what went out for it, at the time it goes out itself."""

from __future__ import annotations

import json

from gateway.dialects import SseEvent
from gateway.exchange.repeats import Repeating, Sent


def test_a_repetition_is_filled_with_all_that_went_out() -> None:
    sent = Sent()
    event = Repeating("done", {"text": "secret", "call": {"to": "secret"}}, {"/text": "a", "/call/to": "/to"})
    sent.add("a", "<PLACE")
    sent.add("a", "HOLDER>")
    sent.note({"/to": "masked"})
    released = sent.released(event)
    assert released.event == "done"
    assert json.loads(released.data) == {"text": "<PLACEHOLDER>", "call": {"to": "masked"}}


def test_what_did_not_go_out_is_not_repeated() -> None:
    assert json.loads(Sent().released(Repeating("", {"text": "secret"}, {"/text": "a"})).data) == {"text": ""}


def test_other_events_are_as_they_were() -> None:
    event = SseEvent("data", "name")
    assert Sent().released(event) is event
