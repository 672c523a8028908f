"""What imitators of OpenAI's chat completions send: each shape passes, and its tool calls are judged."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tests.support.application import Opened
from tests.support.asking import events
from tests.support.scripted import chunk, completion
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN, WIRES, framed

WIRE = WIRES["openai.chat"]
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
SEARCHED = [{"title": "Sea", "url": "https://example.org/sea", "date": "2026-11-01", "snippet": "Waves."}]
FILTERS = {"hate": {"filtered": False, "severity": "safe"}}
TIMINGS = {"prompt_n": 5, "prompt_ms": 12.5, "predicted_n": 7, "predicted_per_second": 41.25}


def chosen(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document with more members in its choice."""
    (choice,) = document["choices"]
    return {**document, "choices": [{**choice, **more}]}


WHOLE: dict[str, dict[str, Any]] = {
    "Perplexity": completion(
        {"content": "Done."}, citations=["https://example.org/sea"], search_results=SEARCHED, usage=USAGE
    ),
    "OpenRouter": completion(
        {"content": "Done.", "reasoning": "Hm."}, provider="Groq", usage={**USAGE, "cost": 0.000125}
    ),
    "Mistral": completion(
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "Done."},
            ],
            "prefix": False,
            "tool_calls": None,
        }
    ),
    "Groq": completion({"content": "Done."}, x_groq={"id": "req_01jx"}, usage={**USAGE, "queue_time": 0.05}),
    "DeepSeek": completion(
        {"content": "Done.", "reasoning_content": "Hm."}, usage={**USAGE, "prompt_cache_hit_tokens": 0}
    ),
    "Azure": chosen(
        completion(
            {"content": "Done."},
            prompt_filter_results=[{"prompt_index": 0, "content_filter_results": FILTERS}],
        ),
        content_filter_results=FILTERS,
    ),
    "vLLM": chosen(
        completion({"content": "Done.", "reasoning_content": None, "tool_calls": []}, prompt_logprobs=None),
        stop_reason=None,
        token_ids=None,
    ),
    "llama.cpp": completion({"content": "Done."}, timings=TIMINGS, system_fingerprint="b4567-abc"),
    "Gemini": completion({"content": "Done.", "extra_content": {"google": {"thought_signature": "c2ln"}}}),
}
STREAMED: dict[str, list[Any]] = {
    "Perplexity": [
        {**chunk({"content": "Done."}), "citations": ["https://example.org/sea"], "search_results": SEARCHED},
        {**chunk({}, "stop"), "usage": USAGE},
    ],
    "message beside delta": [
        chosen(chunk({"role": "assistant", "content": "Do"}), message={"role": "assistant", "content": "Do"}),
        chosen(chunk({"content": "ne."}), message={"role": "assistant", "content": "Done."}),
        chosen(chunk({}, "stop"), message={"role": "assistant", "content": "Done."}),
    ],
    "OpenRouter": [
        {**chunk({"role": "assistant", "content": ""}), "provider": "Groq"},
        {**chunk({"content": "Done."}), "provider": "Groq", "native_finish_reason": None},
        chunk({}, "stop"),
    ],
    "Mistral": [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
        chunk({"content": [{"type": "text", "text": "Done."}]}),
        {**chunk({"content": ""}, "stop"), "usage": USAGE},
    ],
    "Groq": [
        {**chunk({"role": "assistant", "content": ""}), "x_groq": {"id": "req_01jx"}},
        chunk({"content": "Done."}),
        {**chunk({}, "stop"), "x_groq": {"id": "req_01jx", "usage": USAGE}},
    ],
    "DeepSeek": [
        chunk({"role": "assistant", "content": None, "reasoning_content": "Hm."}),
        chunk({"content": "Done.", "reasoning_content": None}),
        {**chunk({"content": ""}, "stop"), "usage": USAGE},
    ],
    "Azure": [
        {**chunk({}), "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        chosen(chunk({"content": "Done."}), content_filter_results=FILTERS),
        chunk({}, "stop"),
    ],
    "vLLM": [
        chunk({"role": "assistant", "content": ""}),
        chosen(chunk({"content": "Done."}), token_ids=None),
        chosen(chunk({"content": ""}, "stop"), stop_reason=None),
        {**chunk({}), "choices": [], "usage": USAGE},
    ],
    "llama.cpp": [
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "Done."}),
        {**chunk({}, "stop"), "timings": TIMINGS},
    ],
}


def part(name: str | None, raw: str, key: str | None, **more: Any) -> dict[str, Any]:
    """A piece of a tool call."""
    function = {**({"name": name} if name is not None else {}), "arguments": raw}
    return {**({"id": key, "type": "function"} if key else {}), "function": function, **more}


FIRST, SECOND = ("read", {"path": "a.txt"}), ("write", {"path": "b.txt"})
RAW, OTHER = json.dumps(FIRST[1]), json.dumps(SECOND[1])
CALLS: dict[str, tuple[list[Any], list[Any]]] = {
    "no index": ([part("read", RAW, "a"), part("write", OTHER, "b")], [FIRST, SECOND]),
    "no index, in pieces": (
        [
            part("read", RAW[:5], "a"),
            part(None, RAW[5:], None),
            part("write", OTHER[:4], "b"),
            part(None, OTHER[4:], "b"),
        ],
        [FIRST, SECOND],
    ),
    "one index and two ids": (
        [part("read", RAW, "a", index=0), part("write", OTHER, "b", index=0)],
        [FIRST, SECOND],
    ),
    "a name that is told again": (
        [part("read", RAW[:5], "a", index=0), part("read", RAW[5:], "a", index=0)],
        [FIRST],
    ),
    "a name in pieces": (
        [part("re", "", "a", index=0), part("ad", RAW, None, index=0)],
        [FIRST],
    ),
}


def told(stream: Sequence[Any]) -> Any:
    """What all chunks of a stream say together, texts joined."""
    said: dict[str, Any] = {"texts": {}, "others": []}
    for one in stream:
        if not isinstance(one, dict):
            continue
        for key, value in one.items():
            if key not in ("choices", "id", "object", "created", "model") and value is not None:
                said["others"].append((key, json.dumps(value, sort_keys=True)))
        for choice in one["choices"]:
            for key, value in choice["delta"].items():
                text = (
                    value
                    if isinstance(value, str)
                    else "".join(re.findall('"text": "(.*?)"', json.dumps(value)))
                )
                said["texts"][key] = said["texts"].get(key, "") + text
            for key, value in choice.items():
                if key not in ("delta", "message", "index", "logprobs") and value is not None:
                    said["others"].append((key, json.dumps(value, sort_keys=True)))
    said["texts"] = {key: text for key, text in said["texts"].items() if text}
    said["others"].sort()
    return said


async def test_whole_completions_pass_as_they_are(opened: Opened, spoken: Spoken) -> None:
    async with opened(providers=BUILT_IN) as running:
        for name, document in WHOLE.items():
            spoken.document(document)
            answer = await spoken.ask(running, WIRE, "Go on.", stream=False)
            assert answer.status_code == 200, (name, answer.text)
            assert answer.json() == document, name


async def test_streams_say_what_was_sent(opened: Opened, spoken: Spoken) -> None:
    async with opened(providers=BUILT_IN) as running:
        for name, stream in STREAMED.items():
            comment = b": OPENROUTER PROCESSING\n\n" if name == "OpenRouter" else b""
            spoken.answer(comment + framed([*stream, "[DONE]"]), WIRE.media_type)
            answer = await spoken.ask(running, WIRE, "Go on.", stream=True)
            assert "upstream_unreadable" not in answer.text, (name, answer.text)
            assert told(events(answer.text)) == told(stream), name
            assert answer.text.endswith("data: [DONE]\n\n"), name


async def test_calls_are_put_together_as_clients_do(opened: Opened, spoken: Spoken) -> None:
    async with opened(providers=BUILT_IN) as running:
        for name, (pieces, calls) in CALLS.items():
            for together in (False, True):
                deltas = [pieces] if together else [[one] for one in pieces]
                made = [chunk({"tool_calls": one}) for one in deltas]
                spoken.events(*made, chunk({}, "tool_calls"), "[DONE]")
                answer = await spoken.ask(running, WIRE, "Go on.", stream=True)
                came = [e["choices"][0]["delta"] for e in events(answer.text) if "choices" in e]
                got = [one for delta in came for one in delta.get("tool_calls") or ()]
                found = [(one["function"]["name"], json.loads(one["function"]["arguments"])) for one in got]
                assert found == calls, (name, together, answer.text)
                assert len({one["index"] for one in got}) == len(got), name
                denied = json.loads(json.dumps(made).replace('"write"', '"drop_database"'))
                spoken.events(*denied, chunk({}, "tool_calls"), "[DONE]")
                answer = await spoken.ask(running, WIRE, "Go on.", stream=True)
                assert ("policy_denied" in answer.text) is (len(calls) == 2), (name, answer.text)
