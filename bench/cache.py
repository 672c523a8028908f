"""`python -m bench.cache`: whether a provider's prompt cache works through the gateway as it does without.

A session grows for forty turns, as coding agents have them: each prompt repeats the one before and goes on.
The cache of a provider is about what two prompts begin with alike. So what a client sends is compared with
what the provider gets, from turn to turn, by two workers in turns, with a restart half way.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.leaks import VALUES, Provider
from gateway.config import load_config
from gateway.http.app import create_app, open_worker
from gateway.identity import create_key

_ROOT = Path(__file__).parent.parent
_TURNS = 40
_CONFIG = """
listen: 127.0.0.1:0
providers:
  anthropic: {{family: anthropic, base_url: "http://127.0.0.1:{port}"}}
  openai: {{family: openai, base_url: "http://127.0.0.1:{port}"}}
policy: {{engine: embedded, path: {policies}}}
"""
# What policy lets pass masked: a secret in a prompt is another matter.
_PERSONAL = [value for entity, value in VALUES.items() if not entity.endswith(("_KEY", "_STRING"))]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """A growing conversation: its prompts, and the members of them that a model reads, in order."""

    name: str
    path: str
    prompts: Callable[[int], Iterator[Json]]
    read: tuple[str, ...]


def claude_code(turns: int) -> Iterator[Json]:
    """Yield the prompts of a session of Claude Code: the last message of each has the mark of the cache."""
    system = [
        {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Rules of the house. " * 200, "cache_control": {"type": "ephemeral"}},
    ]
    tools = [
        {"name": name, "description": f"{name} a file.", "input_schema": _schema("file_path")}
        for name in ("Read", "Edit", "Bash")
    ]
    messages: list[Json] = [{"role": "user", "content": [_block("Fix the tests of the billing service.")]}]
    for turn in range(turns):
        *before, last = messages
        marked = {
            **last,
            "content": [
                *last["content"][:-1],
                last["content"][-1] | {"cache_control": {"type": "ephemeral"}},
            ],
        }
        yield {
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "system": system,
            "tools": tools,
            "messages": [*before, marked],
        }
        used = {
            "type": "tool_use",
            "id": f"toolu_{turn}",
            "name": "Read",
            "input": {"file_path": f"src/{turn}.py"},
        }
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": _file(turn)}
        messages += [
            {"role": "assistant", "content": [_block(f"I look at file {turn}."), used]},
            {"role": "user", "content": [result]},
        ]


def codex(turns: int) -> Iterator[Json]:
    """Yield the prompts of a session of Codex: items of the Responses API, nothing stored."""
    tools = [{"type": "function", "name": "shell", "strict": False, "parameters": _schema("command")}]
    items: list[Json] = [_item("user", "input_text", "Fix the tests of the billing service.")]
    for turn in range(turns):
        yield {
            "model": "gpt-5-codex",
            "instructions": "You are a coding agent. " * 200,
            "tools": tools,
            "store": False,
            "prompt_cache_key": "session",
            "include": ["reasoning.encrypted_content"],
            "input": list(items),
        }
        call = {"type": "function_call", "call_id": f"call_{turn}", "name": "shell"}
        items += [
            {"type": "reasoning", "summary": [], "encrypted_content": f"gAAAA{turn:04}" * 20},
            call | {"arguments": json.dumps({"command": f"cat src/{turn}.py"})},
            {"type": "function_call_output", "call_id": f"call_{turn}", "output": _file(turn)},
            _item("assistant", "output_text", f"File {turn} is fine."),
        ]


SESSIONS = (
    Session(
        "Claude Code, `anthropic.messages`",
        "/anthropic/v1/messages",
        claude_code,
        ("system", "tools", "messages"),
    ),
    Session("Codex, `openai.responses`", "/openai/v1/responses", codex, ("instructions", "tools", "input")),
)


@dataclass(frozen=True, slots=True)
class Shared:
    """The share of bytes that a turn begins with like the one before; `broken`: turns with less than sent."""

    direct: float
    through: float
    broken: int


async def measure(turns: int = _TURNS) -> dict[str, Shared]:
    """Return what is shared, by session and way."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="regate-cache-") as folder:
        provider = Provider(answer=lambda _: ("application/json", [b'{"error": {"message": "enough"}}']))
        server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for session in SESSIONS:
            async with _workers(Path(folder), port, 2) as ask:
                sent = [
                    await ask(provider, session, prompt, turn)
                    for turn, prompt in enumerate(session.prompts(turns // 2))
                ]
            async with _workers(
                Path(folder), port, 2
            ) as ask:  # they begin anew, and know nothing of the first half
                rest = itertools.islice(enumerate(session.prompts(turns)), turns // 2, None)
                sent += [await ask(provider, session, prompt, turn) for turn, prompt in rest]
            found[session.name] = compare(session.read, list(session.prompts(turns)), sent)
        server.close()
    return found


def compare(read: Sequence[str], prompts: Sequence[Json], sent: Sequence[Json]) -> Shared:
    """Compare what a client sends from turn to turn with what the provider gets."""
    ours = [_shared(read, *pair) for pair in itertools.pairwise(prompts)]
    theirs = [_shared(read, *pair) for pair in itertools.pairwise(sent)]
    return Shared(
        sum(same for _, same, _ in ours) / sum(size for _, _, size in ours),
        sum(same for _, same, _ in theirs) / sum(size for _, _, size in theirs),
        sum(their[0] < our[0] for our, their in zip(ours, theirs, strict=True)),
    )


def _shared(read: Sequence[str], before: Json, after: Json) -> tuple[int, int, int]:
    """Return how many items and bytes two prompts begin with alike, and the bytes of the second."""
    one, other = ([_bytes(item) for item in _items(read, prompt)] for prompt in (before, after))
    alike = sum(
        1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    into = 0
    if alike < min(len(one), len(other)):
        pairs = zip(one[alike], other[alike], strict=False)
        into = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike, sum(map(len, other[:alike])) + into, sum(map(len, other))


def _items(read: Sequence[str], prompt: Json) -> Iterator[Any]:
    for name in read:
        value = prompt[name]
        yield from value if isinstance(value, list) else [value]


def _bytes(item: Any) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()


@asynccontextmanager
async def _workers(folder: Path, port: int, count: int) -> AsyncIterator[Callable[..., Any]]:
    """Open workers of one gateway; yields what lets one after the other pass a prompt on."""
    file = folder / "regate.yaml"
    file.write_text(_CONFIG.format(port=port, policies=_ROOT / "policies/rego"))
    config = load_config(file)
    async with AsyncExitStack() as stack:
        clients = []
        key = ""
        for _ in range(count):
            worker = await stack.enter_async_context(open_worker(config))
            if not key:
                _, key = create_key(worker.keys, agent="cache", owner="cache", now=time.time())
            transport = httpx.ASGITransport(create_app(config, worker))
            clients.append(httpx.AsyncClient(transport=transport, base_url="http://regate", timeout=60))
            await stack.enter_async_context(clients[-1])

        async def ask(provider: Provider, session: Session, prompt: Json, turn: int) -> Json:
            provider.sent = b""
            http = clients[turn % count]
            answer = await http.post(session.path, json=prompt, headers={"authorization": f"Bearer {key}"})
            if not provider.sent:
                raise SystemExit(f"{session.name}: turn {turn} did not get through: {answer.text[:300]}")
            return dict(json.loads(provider.sent))

        yield ask


def _file(turn: int) -> str:
    """Return the content of a file. In every third one a person is named, some of them again and again."""
    lines = [f"def handle_{turn}_{number}(order): return order.total * {number}" for number in range(20)]
    if turn % 3 == 0:
        lines[7] = f"# ask {_PERSONAL[turn // 3 % len(_PERSONAL)]} about it"
    return "\n".join(lines)


def _block(text: str) -> Json:
    return {"type": "text", "text": text}


def _item(role: str, kind: str, text: str) -> Json:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _schema(name: str) -> Json:
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


def main() -> None:
    """Print the table; fail when a turn shares less than the client's own does."""
    found = asyncio.run(measure())
    print(f"| session of {_TURNS} turns | direct | through the gateway | turns that share less |")
    print("|---|---|---|---|")
    for name, one in found.items():
        print(f"| {name} | {one.direct:.4f} | {one.through:.4f} | {one.broken} |")
    raise SystemExit(any(one.broken for one in found.values()))


if __name__ == "__main__":
    os.environ.setdefault("REGATE_LOG", "error")
    main()
