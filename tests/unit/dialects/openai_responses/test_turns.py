"""Items come one after the other, in the order in which they began."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects.openai_responses import turns
from gateway.dialects.openai_responses.turns import ItemTurns
from gateway.errors import UpstreamUnreadable


def events(letters: str) -> list[dict[str, Any]]:
    """A letter is an event of the item it names (a: 0); in upper case its last one; a dot is of no item."""
    return [
        {"type": "x"}
        if letter == "."
        else {
            "type": "response.output_item.done" if letter.isupper() else "x",
            "output_index": ord(letter.lower()) - ord("a"),
        }
        for letter in letters
    ]


def letters(found: list[dict[str, Any]]) -> str:
    made = ""
    for one in found:
        letter = chr(ord("a") + one["output_index"]) if "output_index" in one else "."
        made += letter.upper() if one["type"].endswith("done") else letter
    return made


@pytest.mark.parametrize(
    ("came", "went"),
    [
        ("aaA.bbB", "aaA.bbB"),
        ("abaAbB", "aaAbbB"),
        ("abBA", "aAbB"),
        ("abcBCA", "aAbBcC"),
        ("abcAaBbC", "aAbaBcbC"),
        ("ab.c", "a.bc"),
    ],
)
def test_an_item_waits_for_the_one_before(came: str, went: str) -> None:
    order = ItemTurns()
    assert letters([one for event in events(came) for one in order.order(event)] + order.close()) == went


def test_not_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_MOST_WAITING", 2)
    order = ItemTurns()
    for event in events("abb"):
        order.order(event)
    with pytest.raises(UpstreamUnreadable):
        order.order(events("b")[0])
