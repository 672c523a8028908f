"""What a provider tells of the tokens of a text follows it, and never tells what was masked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import httpx

from gateway.dialects.registry import DIALECTS
from tests.support import responses_wire
from tests.support.application import Opened, Running
from tests.support.asking import events
from tests.support.scripted import PLACEHOLDER, chunk, completion
from tests.support.sites import always, site
from tests.support.spoken import Spoken
from tests.support.values import EMAIL, MODEL_CARD
from tests.support.wires import BUILT_IN

Json = dict[str, Any]
Piece = Sequence[Json]  # tokens that come with one piece of a text
LINES = "application/x-ndjson"


def token(text: str, other: str = "x", **more: Any) -> Json:
    return {"token": text, "logprob": -0.25, "top_logprobs": [{"token": other, "logprob": -2.5}], **more}


HEAD, TAIL = MODEL_CARD[:3], MODEL_CARD[3:]
PIECES: Sequence[Piece] = (
    [token("Write")],
    [token(" to "), token(PLACEHOLDER), token(".")],
    [token(" The card"), token(f" is {HEAD}")],
    [token(TAIL)],
    [token(" it"), token(" seems")],
    [token(" likely", other=f"not {MODEL_CARD}")],
    [token(",")],
    [token(" done", logprob=-0.5)],
)
KEPT = ["Write", " to ", "PLACEHOLDER", ".", " The card", " it", " seems", ",", " done"]


@dataclass(frozen=True, slots=True)
class Telling:
    """How a dialect streams tokens: what a piece is, where a client finds its text and its tokens."""

    path: str
    request: Json
    events: Callable[[Sequence[Piece]], list[Any]]
    text: Callable[[Json], str]
    tokens: Callable[[Json], list[Json]]
    media_type: str = "text/event-stream"
    whole: Callable[[Piece], Json] = dict
    whole_text: Callable[[Json], str] | None = None
    whole_tokens: Callable[[Json], list[Json]] | None = None

    @property
    def unstreamed(self) -> Telling:
        """The same, asked for an answer in one piece."""
        path = self.path.replace("streamGenerateContent?alt=sse", "generateContent")
        return replace(
            self,
            path=path,
            request={**self.request, **({"stream": False} if "stream" in self.request else {})},
        )


def words(piece: Piece) -> str:
    return "".join(one["token"] for one in piece)


def chosen(document: Json, *keys: str) -> Json:
    """Return what stands below the only item of a list, one key after the other."""
    (item,) = document.get(keys[0]) or [{}]
    for key in keys[1:]:
        item = item.get(key) or {}
    return item  # type: ignore[no-any-return]


def chat(pieces: Sequence[Piece]) -> list[Any]:
    told = [chunk({"content": words(piece)}) for piece in pieces]
    for one, piece in zip(told, pieces, strict=True):
        one["choices"][0]["logprobs"] = {"content": piece, "refusal": None}
    return [*told, chunk({}, "stop"), "[DONE]"]


def columns(piece: Piece) -> Json:
    return {
        "tokens": [one["token"] for one in piece],
        "token_logprobs": [one["logprob"] for one in piece],
        "top_logprobs": [{one["top_logprobs"][0]["token"]: -2.5} for one in piece],
        "text_offset": [7 for _ in piece],
    }


def completions(pieces: Sequence[Piece]) -> list[Any]:
    head = {"id": "c", "object": "text_completion", "created": 1795334400, "model": "m"}
    told = [{"index": 0, "text": words(piece), "logprobs": columns(piece)} for piece in pieces]
    last = {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}
    return [*({**head, "choices": [one]} for one in (*told, last)), "[DONE]"]


def rows(told: Json) -> list[Json]:
    columns = (told[name] for name in ("tokens", "token_logprobs", "top_logprobs")) if told else ((), (), ())
    made = zip(*columns, strict=True)
    return [token(text, next(iter(top)), logprob=probable) for text, probable, top in made]


def responses(pieces: Sequence[Piece]) -> list[Any]:
    """Return the events of a message; those that repeat its text repeat its tokens."""
    made: list[Json] = responses_wire.events([responses_wire.message("".join(map(words, pieces)))])
    deltas = [at for at, one in enumerate(made) if one["type"] == "response.output_text.delta"]
    head = made[deltas[0]]
    made[deltas[0] : deltas[-1] + 1] = [
        {**head, "delta": words(piece), "logprobs": piece} for piece in pieces
    ]
    every = [one for piece in pieces for one in piece]
    for one in made:
        if one["type"] == "response.output_text.done":
            one["logprobs"] = every
        for part in parts_of(one):
            part["logprobs"] = every if part["text"] else []
    return made


def parts_of(event: Json) -> list[Json]:
    response = event.get("response")
    items = [event.get("item") or {}, *(response["output"] if isinstance(response, dict) else ())]
    return [*([event["part"]] if "part" in event else []), *(p for i in items for p in i.get("content", []))]


def gemini(pieces: Sequence[Piece]) -> list[Any]:
    told = []
    for piece in pieces:
        result = {
            "chosenCandidates": [{"token": one["token"], "logProbability": one["logprob"]} for one in piece],
            "topCandidates": [{"candidates": one["top_logprobs"]} for one in piece],
        }
        content = {"role": "model", "parts": [{"text": words(piece)}]}
        told.append({"candidates": [{"index": 0, "content": content, "logprobsResult": result}]})
    return [*told, {"candidates": [{"index": 0, "finishReason": "STOP"}]}]


def candidates(event: Json) -> list[Json]:
    told = chosen(event, "candidates", "logprobsResult")
    both = zip(told.get("chosenCandidates", ()), told.get("topCandidates", ()), strict=True)
    return [
        token(one["token"], logprob=one["logProbability"], top_logprobs=top["candidates"])
        for one, top in both
    ]


def ollama(wrap: Callable[[str], Json]) -> Callable[[Sequence[Piece]], list[Any]]:
    head = {"model": "m", "created_at": "2026-11-28T06:00:00Z"}
    return lambda pieces: [
        *({**head, **wrap(words(piece)), "done": False, "logprobs": piece} for piece in pieces),
        {**head, **wrap(""), "done": True, "done_reason": "stop"},
    ]


def audio(pieces: Sequence[Piece]) -> list[Any]:
    kind = "transcript.text"
    every = [one for piece in pieces for one in piece]
    told = [{"type": f"{kind}.delta", "delta": words(piece), "logprobs": piece} for piece in pieces]
    return [*told, {"type": f"{kind}.done", "text": "".join(map(words, pieces)), "logprobs": every}]


def whole_chat(piece: Piece) -> Json:
    (told, *_) = chat([piece])
    message = {"role": "assistant", "content": words(piece), "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "stop",
        "logprobs": told["choices"][0]["logprobs"],
    }
    return {**told, "object": "chat.completion", "choices": [choice]}


def whole_response(piece: Piece) -> Json:
    said = responses_wire.message(words(piece))
    said["content"][0]["logprobs"] = piece
    return {**responses_wire.HEAD, "output": [said], "usage": responses_wire.USAGE}


def whole_gemini(piece: Piece) -> Json:
    (first, end) = gemini([piece])
    return {"candidates": [first["candidates"][0] | end["candidates"][0]]}


ASKED = f"Write to {EMAIL}."
SAID = {"messages": [{"role": "user", "content": ASKED}], "model": "m", "stream": True}
TABLE = {
    "openai.chat": Telling(
        "openai/v1/chat/completions",
        {**SAID, "logprobs": True, "top_logprobs": 1},
        chat,
        lambda one: str(chosen(one, "choices", "delta").get("content") or ""),
        lambda one: chosen(one, "choices", "logprobs").get("content") or [],
        whole=whole_chat,
        whole_text=lambda one: str(chosen(one, "choices", "message")["content"]),
    ),
    "openai.completions": Telling(
        "openai/v1/completions",
        {"prompt": ASKED, "model": "m", "stream": True, "logprobs": 1},
        completions,
        lambda one: str(chosen(one, "choices").get("text")),
        lambda one: rows(chosen(one, "choices", "logprobs")),
        whole=lambda piece: completions([piece])[0],
    ),
    "openai.fim": Telling(
        "openai/v1/fim/completions",
        {"prompt": ASKED, "suffix": "", "model": "m", "stream": True},
        chat,
        lambda one: str(chosen(one, "choices", "delta").get("content") or ""),
        lambda one: chosen(one, "choices", "logprobs").get("content") or [],
        whole=whole_chat,
        whole_text=lambda one: str(chosen(one, "choices", "message")["content"]),
    ),
    "openai.responses": Telling(
        "openai/v1/responses",
        {"input": ASKED, "model": "m", "stream": True, "include": ["message.output_text.logprobs"]},
        responses,
        lambda one: one["delta"] if one["type"].endswith("text.delta") else "",
        lambda one: one["logprobs"] if one["type"].endswith("text.delta") else [],
        whole=whole_response,
        whole_text=lambda one: str(chosen(chosen(one, "output"), "content")["text"]),
        whole_tokens=lambda one: chosen(chosen(one, "output"), "content")["logprobs"],
    ),
    "gemini.generate": Telling(
        "gemini/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": ASKED}]}]},
        gemini,
        lambda one: "".join(p["text"] for p in chosen(one, "candidates", "content").get("parts", ())),
        candidates,
        whole=whole_gemini,
    ),
    "ollama.chat": Telling(
        "ollama/api/chat",
        {**SAID, "logprobs": True},
        ollama(lambda text: {"message": {"role": "assistant", "content": text}}),
        lambda one: str(one["message"]["content"]),
        lambda one: one.get("logprobs", []),
        LINES,
        lambda piece: ollama(lambda text: {"message": {"role": "assistant", "content": text}})([piece])[0],
    ),
    "ollama.generate": Telling(
        "ollama/api/generate",
        {"prompt": ASKED, "model": "m", "stream": True, "logprobs": True},
        ollama(lambda text: {"response": text}),
        lambda one: str(one["response"]),
        lambda one: one.get("logprobs", []),
        LINES,
        lambda piece: ollama(lambda text: {"response": text})([piece])[0],
    ),
    "openai.audio": Telling(
        "openai/v1/audio/transcriptions",
        {"model": "m", "stream": "true", "include[]": "logprobs", "prompt": ASKED},
        audio,
        lambda one: one.get("delta", ""),
        lambda one: one.get("logprobs", []) if "delta" in one else [],
        whole=lambda piece: {"text": words(piece), "logprobs": piece},
        whole_text=lambda one: str(one["text"]),
        whole_tokens=lambda one: one["logprobs"],
    ),
}


async def ask(running: Running, telling: Telling) -> httpx.Response:
    headers = {"authorization": f"Bearer {running.key}"}
    path = f"/{telling.path}"
    if "transcriptions" in path:
        files = {"file": ("a.wav", b"RIFF\1\0\0\0WAVEfmt " + bytes(range(256)), "audio/wav")}
        return await running.http.post(path, data=telling.request, files=files, headers=headers)
    return await running.http.post(path, json=telling.request, headers=headers)


def heard(telling: Telling, answer: str) -> list[Json]:
    if telling.media_type == LINES:
        return [json.loads(line) for line in answer.splitlines()]
    return [one for one in events(answer) if one != "[DONE]"]


async def test_tokens_follow_their_text_but_for_masked_ones(opened: Opened, spoken: Spoken) -> None:
    async with opened(providers=BUILT_IN) as running:
        for name, telling in TABLE.items():
            spoken.events(*telling.events(PIECES), media_type=telling.media_type)
            answer = await ask(running, telling)
            assert answer.status_code == 200, (name, answer.text)
            told = heard(telling, answer.text)
            text = "".join(map(telling.text, told))
            assert text.startswith(f"Write to {EMAIL}. The card is "), (name, text)
            assert text.endswith(" it seems likely, done"), (name, text)
            tokens = [one for event in told for one in telling.tokens(event)]
            placeholder = tokens[2]["token"]
            assert [one["token"] for one in tokens] == [
                one.replace("PLACEHOLDER", placeholder) for one in KEPT
            ]
            assert placeholder.startswith("<EMAIL_ADDRESS_"), name
            assert tokens[-1] == token(" done", logprob=-0.5), name
            for part in (HEAD, TAIL, MODEL_CARD):
                assert part not in answer.text, (name, part)
            repeated = [one["logprobs"] for one in told if one.get("type", "").endswith("text.done")]
            assert all(one == tokens for one in repeated), name
            for one in told:
                assert all(part["logprobs"] in ([], tokens) for part in parts_of(one)), name


async def test_tokens_of_a_whole_answer_tell_nothing_of_masked_words(opened: Opened, spoken: Spoken) -> None:
    every = [one for piece in PIECES for one in piece]
    async with opened(providers=BUILT_IN) as running:
        for name, telling in TABLE.items():
            spoken.document(telling.whole(every))
            answer = await ask(running, telling.unstreamed)
            assert answer.status_code == 200, (name, answer.text)
            text = (telling.whole_text or telling.text)(answer.json())
            assert text.startswith(f"Write to {EMAIL}. The card is "), (name, text)
            assert text.endswith(" it seems likely, done"), (name, text)
            tokens = (telling.whole_tokens or telling.tokens)(answer.json())
            kept = [one.replace("PLACEHOLDER", tokens[2]["token"]) for one in KEPT]
            assert [one["token"] for one in tokens] == kept, name
            assert tokens[-1] == token(" done", logprob=-0.5), name
            for part in (HEAD, TAIL, MODEL_CARD):
                assert part not in answer.text, (name, part)


async def test_words_of_a_transcript_tell_nothing_of_masked_ones(opened: Opened, spoken: Spoken) -> None:
    said = ["The", "card", "is", *MODEL_CARD.split(" "), "done"]
    spoken.document({"text": " ".join(said), "words": [{"word": word, "start": 0.5} for word in said]})
    async with opened(providers=BUILT_IN) as running:
        answer = await ask(running, TABLE["openai.audio"].unstreamed)
    assert [one["word"] for one in answer.json()["words"]] == ["The", "card", "is", "done"]


async def test_tokens_of_a_value_that_goes_on_in_the_next_text_stay_behind(
    opened: Opened, spoken: Spoken
) -> None:
    """By themselves neither half is found."""
    response = whole_response([token("My card: "), token(HEAD)])
    (message,) = response["output"]
    message["content"] += whole_response([token(TAIL), token(" it is")])["output"][0]["content"]
    spoken.document(response)
    async with opened(providers=BUILT_IN) as running:
        answer = await ask(running, TABLE["openai.responses"].unstreamed)
    told = [[one["token"] for one in part["logprobs"]] for part in answer.json()["output"][0]["content"]]
    assert told == [["My card: "], [" it is"]]


async def test_tokens_that_spell_another_text_stay_behind(opened: Opened, spoken: Spoken) -> None:
    """Nothing is looked for in them, since the text stands for them."""
    async with opened(providers=BUILT_IN) as running:
        for name, telling in TABLE.items():
            made = json.dumps(telling.events([[token("Well")], [token("said")]]))
            other = made.replace('"token": "said"', f'"token": "{MODEL_CARD}"')
            other = other.replace('"tokens": ["said"]', f'"tokens": ["{MODEL_CARD}"]')
            assert other != made
            spoken.events(*json.loads(other), media_type=telling.media_type)
            answer = await ask(running, telling)
            told = heard(telling, answer.text)
            assert "".join(map(telling.text, told)) == "Wellsaid", (name, answer.text)
            assert [one["token"] for event in told for one in telling.tokens(event)] == ["Well"], name
            assert MODEL_CARD not in answer.text, name


def test_every_dialect_that_knows_of_probabilities_is_in_the_table() -> None:
    streaming = {one.name: one.read_prompt.__module__ for one in DIALECTS if one.new_stream}
    packages = {name: module.rpartition(".")[0] for name, module in streaming.items()}
    telling = {
        name
        for name, package in packages.items()
        for module in iter_modules(import_module(package).__path__, f"{package}.")
        for word in getattr(import_module(module.name), "VOCABULARY", ())
        if "logprob" in word.lower()
    }
    assert telling == TABLE.keys()


async def test_bytes_tell_no_masked_text_that_their_tokens_do_not_spell(opened: Opened) -> None:
    """As of a character of several tokens, or where a token stands as its number."""
    tokens = [token(f"token_id:{at}", bytes=[*one.encode()]) for at, one in enumerate(f"é is {MODEL_CARD}")]
    said = completion({"content": f"é is {MODEL_CARD}"})
    said["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    async with site(always()) as provider:
        provider.says = json.dumps(said)
        providers = {"p": {"family": "openai", "base_url": provider.url}}
        async with opened(providers=providers) as running:
            answer = await running.ask("hi", "p/v1/chat/completions")
    kept = answer.json()["choices"][0]["logprobs"]["content"]
    assert "".join(bytes(one["bytes"]).decode() for one in kept) == "é is "
