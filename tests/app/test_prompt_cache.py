"""A provider's prompt cache works as without the gateway: what two prompts begin with stays alike."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cache import compare
from gateway.upstream.client import ReplayedResponse, UpstreamRequest
from gateway.upstream.demo import DemoTransport
from tests.support.application import Running, opener
from tests.support.values import CARD, EMAIL, OTHER_EMAIL, PHONE, SSN

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROVIDERS = {"claude": {"family": "anthropic", "base_url": "builtin:demo"}}
_WORDS = st.sampled_from(
    ("the file", "fix", "naïve 🚀", '{"a": 1}', "\n\n", "0x1f", "tel.", "\\u0041", "<b>")
)
_VALUES = st.sampled_from(
    (EMAIL, OTHER_EMAIL, CARD, SSN, PHONE, "81.2.69.142", "DE89 3704 0044 0532 0130 00")
)
_TEXTS = st.lists(_WORDS | _VALUES, min_size=1, max_size=5).map(" ".join)
_STEPS = st.lists(st.tuples(st.sampled_from(("said", "called")), _TEXTS, _TEXTS), min_size=1, max_size=4)


def chat(steps: list[tuple[str, str, str]]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": f"Be brief. Ask {EMAIL}."}]
    for number, (kind, one, other) in enumerate(steps):
        if kind == "said":
            messages += [{"role": "user", "content": one}, {"role": "assistant", "content": other}]
            continue
        function = {"name": "read", "arguments": json.dumps({"path": one})}
        call = {"id": f"c{number}", "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": other},
        ]
    return {"model": "m", "messages": [*messages, {"role": "user", "content": "Go on."}]}


def messages(steps: list[tuple[str, str, str]]) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    for number, (kind, one, other) in enumerate(steps):
        if kind == "said":
            said += [
                {"role": "user", "content": one},
                {"role": "assistant", "content": [{"type": "text", "text": other}]},
            ]
            continue
        used = {"type": "tool_use", "id": f"c{number}", "name": "read", "input": {"path": one}}
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": other}
        said += [{"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    system = [{"type": "text", "text": f"Be brief. Ask {EMAIL}."}]
    end = {"role": "user", "content": "Go on."}
    return {"model": "m", "max_tokens": 9, "system": system, "messages": [*said, end]}


def responses(steps: list[tuple[str, str, str]]) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for number, (kind, one, other) in enumerate(steps):
        if kind == "said":
            items += [{"role": "user", "content": one}, {"role": "assistant", "content": other}]
            continue
        call = {"type": "function_call", "call_id": f"c{number}", "name": "read"}
        items += [
            call | {"arguments": json.dumps({"path": one})},
            {"type": "function_call_output", "call_id": f"c{number}", "output": other},
        ]
    end = {"role": "user", "content": "Go on."}
    return {"model": "m", "instructions": f"Be brief. Ask {EMAIL}.", "input": [*items, end]}


DIALECTS = {
    "/demo/v1/chat/completions": (chat, ("messages",)),
    "/claude/v1/messages": (messages, ("system", "messages")),
    "/demo/v1/responses": (responses, ("instructions", "input")),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Running]]:
    """Two workers of one gateway."""
    folder: Path = tmp_path_factory.mktemp("cache")
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opener(folder)(providers=PROVIDERS)) for _ in range(2)]


@pytest.fixture(scope="module")
def sent() -> list[Any]:
    return []


@pytest.fixture(autouse=True)
def provider(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep(_: DemoTransport, request: UpstreamRequest) -> ReplayedResponse:
        sent.append(json.loads(request.body))
        return ReplayedResponse(
            500, {"content-type": "application/json"}, b'{"error": {"message": "enough"}}'
        )

    monkeypatch.setattr(DemoTransport, "send", keep)


@pytest.mark.parametrize("path", DIALECTS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_a_growing_conversation_begins_as_it_did(
    workers: list[Running], sent: list[Any], path: str, steps: list[tuple[str, str, str]]
) -> None:
    build, read = DIALECTS[path]
    prompts = [build(steps[:turn]) for turn in range(len(steps) + 1)]
    sent.clear()
    for prompt, worker in zip(prompts, itertools.cycle(workers), strict=False):
        await worker.http.post(path, json=prompt, headers={"authorization": f"Bearer {workers[0].key}"})
    assert len(sent) == len(prompts)
    assert EMAIL not in json.dumps(sent)
    assert compare(read, prompts, sent).broken == 0


async def test_a_provider_that_is_told_something_else_is_found_out() -> None:
    """The measure can fail: a placeholder that differs from turn to turn ends what is alike."""
    prompts = [{"messages": ["a", "b"]}, {"messages": ["a", "b", "c"]}]
    told = [{"messages": ["<X_1>", "b"]}, {"messages": ["<X_2>", "b", "c"]}]
    found = compare(("messages",), prompts, told)
    assert (found.direct, found.broken) == (2 * 3 / 9, 1)
    assert found.through < found.direct
