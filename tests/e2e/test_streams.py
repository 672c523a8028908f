"""What of a stream no channel carries: looked at over the ends of its events, and given its values back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.asking import body_of, events, post
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.gateway import GatewayProcess
from tests.support.scripted import PLACEHOLDER, ScriptedProvider, chunk, message_events
from tests.support.values import EMAIL, MODEL_EMAIL

NAME, HOST = MODEL_EMAIL.split("@")
PIECES = (f"Ask {NAME[:4]}", f"{NAME[4:]}@{HOST[:3]}", f"{HOST[3:]} today")


@pytest.fixture(scope="module")
def streaming(
    scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("streaming")
    redacted = {"response": {"action": "mask", "operator": "redact"}}
    policy = policy_copy(folder, {"entities": {"EMAIL_ADDRESS": redacted}})
    config = configuration(scripted.url, engine=any_engine(), policy=policy)
    process = GatewayProcess(folder, config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def key(streaming: GatewayProcess) -> str:
    return streaming.create_key("agent-one", "ana")


class Asking:
    """Asks for a stream of the given events; its answer as text."""

    def __init__(
        self, gateway: GatewayProcess, key: str, scripted: ScriptedProvider, http: httpx.Client
    ) -> None:
        self._gateway, self._key, self._scripted, self._http = gateway, key, scripted, http

    def openai(self, *deltas: dict[str, Any]) -> str:
        self._scripted.stream(*(chunk(delta) for delta in deltas), chunk({}, "stop"))
        body = body_of("openai", "m", f"my mail is {EMAIL}", stream=True)
        return post(self._http, self._gateway, self._key, body).text

    def anthropic(self, *deltas: dict[str, Any]) -> str:
        self._scripted.stream(*message_events({"type": "text", "text": "", "deltas": list(deltas)}))
        body = body_of("anthropic", "m", f"my mail is {EMAIL}", stream=True)
        return post(self._http, self._gateway, self._key, body, family="anthropic").text


@pytest.fixture
def ask(streaming: GatewayProcess, key: str, scripted: ScriptedProvider, http: httpx.Client) -> Asking:
    return Asking(streaming, key, scripted, http)


def thinking(text: str) -> dict[str, Any]:
    return {"trace": [{"type": "step", "thinking": [{"type": "text", "text": text}]}]}


def told(answer: str) -> str:
    """The text of the `trace` above, put together."""
    steps = [
        step
        for event in events(answer)
        if isinstance(event, dict)
        for choice in event["choices"]
        for step in choice["delta"].get("trace") or []
    ]
    return "".join(piece.get("text", "") for step in steps for piece in step.get("thinking", []))


def noted(answer: str) -> list[str]:
    """The texts that stand where nobody says that they go on."""
    return [
        choice["delta"]["extra"]["note"]
        for event in events(answer)
        if isinstance(event, dict)
        for choice in event.get("choices", [])
        if "extra" in choice["delta"]
    ]


def note(text: str) -> dict[str, Any]:
    return {"extra": {"note": text}}


def citation(text: str, url: str = "https://docs.example/") -> dict[str, Any]:
    cited = {"type": "web_search_result_location", "url": url, "title": "a page", "cited_text": text}
    return {"type": "citations_delta", "citation": cited}


def test_text_deep_in_a_list_is_masked_and_restored_over_the_ends_of_events(ask: Asking) -> None:
    answer = ask.openai(*(thinking(piece) for piece in PIECES))
    assert told(answer) == "Ask <REDACTED_EMAIL_ADDRESS> today"

    answer = ask.openai(*map(thinking, (f"to {PLACEHOLDER}.", " ", "![](https", "://x.example/")))
    assert told(answer).startswith(f"to {EMAIL}. ![]")
    answer = ask.openai(*map(thinking, ("![](https", "://x.example/", f"{PLACEHOLDER})")))
    assert EMAIL not in answer
    assert told(answer).startswith("![](https://x.example/<EMAIL_ADDRESS_")


@pytest.mark.parametrize("cut", [1, 2])
def test_a_value_in_pieces_of_a_field_nobody_knows_ends_the_stream(ask: Asking, cut: int) -> None:
    first, second = "".join(PIECES[:cut]), "".join(PIECES[cut:])
    answer = ask.openai({"content": "hello "}, note(first), {"content": "there "}, note(second))
    assert json.loads(answer.split("data: ")[-1])["error"]["code"] == "policy_denied"
    assert noted(answer) == [first]
    assert second not in answer


def test_pieces_of_two_choices_are_not_put_together(
    ask: Asking, scripted: ScriptedProvider, streaming: GatewayProcess, key: str, http: httpx.Client
) -> None:
    scripted.stream(
        chunk(note(PIECES[0])),
        chunk(note("".join(PIECES[1:])), index=1),
        chunk({}, "stop"),
        chunk({}, "stop", index=1),
    )
    answer = post(http, streaming, key, body_of("openai", "m", "hello", stream=True)).text
    assert noted(answer) == [PIECES[0], "<REDACTED_EMAIL_ADDRESS> today"]


def test_values_come_back_in_a_field_nobody_knows_where_no_url_can_be(ask: Asking) -> None:
    answer = ask.openai(note(f"to {PLACEHOLDER} ."), note(f" or {PLACEHOLDER} now"))
    assert noted(answer) == [f"to {EMAIL} .", f" or {EMAIL} now"]
    for pieces in (
        ("![](https://x.example/", f"{PLACEHOLDER} )"),
        (f"see {PLACEHOLDER}", ".evil.example"),
        ('<img src="', f"{PLACEHOLDER} "),
    ):
        assert EMAIL not in ask.openai(*map(note, pieces))


def test_values_come_back_in_what_a_citation_cites_and_not_in_its_address(ask: Asking) -> None:
    answer = ask.anthropic(
        {"type": "text_delta", "text": "it says so"}, citation(f"write to {PLACEHOLDER}", PLACEHOLDER)
    )
    (cited,) = (
        one["delta"]["citation"]
        for one in events(answer)
        if one.get("delta", {}).get("type") == "citations_delta"
    )
    assert cited["cited_text"] == f"write to {EMAIL}"
    assert cited["url"].startswith("<EMAIL_ADDRESS_")


def test_a_value_over_two_citations_ends_the_stream(ask: Asking) -> None:
    answer = ask.anthropic(citation(PIECES[0]), citation("".join(PIECES[1:])))
    assert json.loads(answer.split("data: ")[-1])["error"]["code"] == "policy_denied"
    assert PIECES[1] not in answer
