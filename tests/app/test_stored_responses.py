"""Stored responses are asked for, listed, canceled and deleted as their API has it, under the same policy."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.exchange import Exchange, Gateway
from gateway.words import Usage
from tests.support import responses_wire
from tests.support.application import Opened
from tests.support.spoken import Spoken
from tests.support.values import MODEL_CARD
from tests.support.wires import BUILT_IN

SAID = responses_wire.message(f"A card: {MODEL_CARD}.")
WHOLE = responses_wire.document([SAID])
ITEMS = {"object": "list", "data": [SAID], "first_id": "a", "last_id": "b", "has_more": False}
GONE = {"id": "resp_a", "object": "response.deleted", "deleted": True}
ASKED: dict[tuple[str, str], Any] = {
    ("GET", "responses/resp_a?include=reasoning.encrypted_content"): WHOLE,
    ("GET", "responses/resp_a/input_items?limit=20&order=asc"): ITEMS,
    ("POST", "responses/resp_a/cancel"): {**WHOLE, "status": "cancelled"},
    ("DELETE", "responses/resp_a"): GONE,
}


async def test_stored_responses_are_governed(opened: Opened, spoken: Spoken) -> None:
    async with opened(providers=BUILT_IN) as running:
        headers = {"authorization": f"Bearer {running.key}"}
        for (method, path), document in ASKED.items():
            spoken.document(document)
            answer = await running.http.request(method, f"/openai/v1/{path}", headers=headers)
            assert answer.status_code == 200, (method, path, answer.text)
            assert MODEL_CARD not in answer.text
            assert answer.json().keys() == document.keys()
            sent = spoken.requests[-1]
            assert (sent.method, f"{sent.path}?{sent.query}".rstrip("?")) == (method, f"/v1/{path}")
            assert answer.headers["x-regate-action"] in ("allow", "mask")


async def test_a_stream_may_be_taken_up_again(opened: Opened, spoken: Spoken) -> None:
    events = responses_wire.events([SAID], 5)
    grown = [one for one in events if one["type"] == "response.output_text.delta"]
    later = events[events.index(grown[2]) :]
    async with opened(providers=BUILT_IN) as running:
        spoken.events(*later)
        asked = f"/openai/v1/responses/resp_a?stream=true&starting_after={later[0]['sequence_number'] - 1}"
        answer = await running.http.get(asked, headers={"authorization": f"Bearer {running.key}"})
        assert answer.status_code == 200, answer.text
        assert "upstream_unreadable" not in answer.text, answer.text
        assert spoken.requests[-1].query == asked.partition("?")[2]
        assert MODEL_CARD not in spoken.heard(answer.text)
        assert "response.completed" in answer.text


async def test_tokens_count_when_a_response_is_made_and_not_when_it_is_read(
    opened: Opened, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one in the background they count when they are first told, whole or at the end of a stream."""
    body = {"model": "m", "input": "Go on."}
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    used: list[Usage] = []
    settle = Gateway.settle

    def settled(gateway: Gateway, exchange: Exchange) -> None:
        used.append(exchange.usage_spent)
        settle(gateway, exchange)

    monkeypatch.setattr(Gateway, "settle", settled)
    later = {"background": True}
    async with opened(providers=BUILT_IN) as running:
        headers = {"authorization": f"Bearer {running.key}"}
        path = "/openai/v1/responses"
        for method, more in (("POST", {}), ("GET", {}), ("GET", later), ("GET", later)):
            spoken.document({**responses_wire.document([]), "id": "resp_a", "usage": usage, **more})
            sent: dict[str, Any] = {"json": body} if method == "POST" else {}
            at = path if method == "POST" else f"{path}/resp_a"
            answer = await running.http.request(method, at, headers=headers, **sent)
            assert answer.json()["usage"] == usage
        for number in ("b", "b", "a"):
            events = responses_wire.events([SAID], 5)
            events[-1]["response"] |= {"id": f"resp_{number}", "usage": usage, **later}
            spoken.events(*events)
            answer = await running.http.get(f"{path}/resp_{number}?stream=true", headers=headers)
            assert "response.completed" in answer.text, answer.text
    counted = Usage(5, 7)
    assert used == [counted, Usage(), counted, Usage(), counted, Usage(), Usage()]
