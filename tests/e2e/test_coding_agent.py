"""A coding agent at work: what it writes, reads and edits by tool calls is on disk as the model meant it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.asking import Family, events, post
from tests.support.gateway import GatewayProcess, shipped_gateway
from tests.support.scripted import ScriptedProvider, chunk, completion, message, message_events
from tests.support.values import MODEL_CARD

FILES = {
    "main.tf": (
        'resource "aws_vpc" "main" {\n  cidr_block = "10.0.0.0/16"\n}\n'
        'resource "aws_subnet" "a" {\n  cidr_block = "10.0.1.0/24"\n'
        '  tags = { Owner = "ops@example.com" }\n}\n'
    ),
    "package-lock.json": json.dumps(
        {
            "name": "app",
            "lockfileVersion": 3,
            "packages": {
                "node_modules/left-pad": {
                    "version": "1.3.0",
                    "resolved": "https://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
                    "integrity": "sha512-" + "XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQ" * 2 + "g==",
                }
            },
        },
        indent=2,
    ),
    "ids.csv": "id,total,phone\n6444427995,4155550132,+1 415-555-2671\n6444427996,20240131,\n",
    "change.diff": "--- a/conf\n+++ b/conf\n@@ -1,2 +1,2 @@\n-host = 192.168.17.4\n+host = 192.168.17.5\n",
    "numbers.py": "TOTAL_BYTES = 6444427995\nSEED = 4155550132\nHOSTS = ['84.23.17.9', \"172.16.0.9\"]\n",
    ".env.example": "DB_HOST=10.0.0.5\nDB_PASSWORD=changeme-2024!\nMAIL_FROM=noreply@example.com\n",
    "deploy.yaml": "env:\n  - name: POD_CIDR\n    value: 10.244.0.0/16\nreplicas: 3\nbytes: 6444427995\n",
    "sizes.json": '{"total_bytes": 6444427995, "parts": [6444427995, 4155550132], "ip": "10.0.0.1"}',
    "README.md": "# Set up\n\nMail <dev@example.com> or call +1 415-555-2671, see `10.0.0.0/8`.\n\n"
    "| a | b |\n|---|---|\n",
    "emoji.txt": "naïve 🚀 café \U0001f469\u200d\U0001f467 10.0.0.1 \\u0041 \\n \"quoted\" 'single'\ttab\r\n",
    "card.py": f'TEST_CARD = "{MODEL_CARD}"  # of the payment provider\'s sandbox\n',
}
Reply = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="module")
def coding(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with shipped_gateway(scripted, tmp_path_factory.mktemp("coding")) as running:
        yield running


@pytest.fixture(scope="module")
def coding_key(coding: GatewayProcess) -> str:
    return coding.create_key("coder", "ana", group="default")


class Agent:
    """Runs the tools that the model calls, in a folder, and keeps the conversation."""

    def __init__(self, folder: Path, family: Family, send: Callable[[Any], httpx.Response]) -> None:
        self._folder, self._family, self._send = folder, family, send
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": "Set the project up."}]

    def turn(self, *, stream: bool) -> str:
        """Ask once, run the tool that comes back, and return its output."""
        body = {"model": "m", "messages": self._messages, "stream": stream, "max_tokens": 4000}
        answer = self._send(body)
        assert answer.status_code == 200, answer.text
        read = _read_openai if self._family == "openai" else _read_anthropic
        said, name, arguments, result = read(answer, stream)
        output = self._run(name, json.loads(arguments))
        self._messages += [said, result(output)]
        return output

    def _run(self, name: str, arguments: dict[str, Any]) -> str:
        path = self._folder / arguments["path"]
        if name == "write_file":
            path.write_bytes(arguments["content"].encode())
            return "written"
        text = path.read_bytes().decode()
        if name == "grep":
            return "\n".join(line for line in text.split("\n") if arguments["pattern"] in line)
        return text


def _read_openai(answer: httpx.Response, stream: bool) -> tuple[Any, str, str, Callable[[str], Any]]:
    if stream:
        deltas = [c["delta"] for e in events(answer.text) if isinstance(e, dict) for c in e["choices"]]
        pieces = [call for delta in deltas for call in delta.get("tool_calls") or ()]
        call = {**pieces[0], "function": dict(pieces[0]["function"])}
        call["function"]["arguments"] = "".join(piece["function"]["arguments"] for piece in pieces)
    else:
        (call,) = answer.json()["choices"][0]["message"]["tool_calls"]
    call.pop("index", None)
    said = {"role": "assistant", "content": None, "tool_calls": [call]}

    def result(output: str) -> Any:
        return {"role": "tool", "tool_call_id": call["id"], "content": output}

    return said, call["function"]["name"], call["function"]["arguments"], result


def _read_anthropic(answer: httpx.Response, stream: bool) -> tuple[Any, str, str, Callable[[str], Any]]:
    if stream:
        sent = [event for event in events(answer.text) if isinstance(event, dict)]
        (block,) = [e["content_block"] for e in sent if e["type"] == "content_block_start"]
        raw = "".join(e["delta"]["partial_json"] for e in sent if e["type"] == "content_block_delta")
        block = {**block, "input": json.loads(raw)}
    else:
        (block,) = answer.json()["content"]
    said = {"role": "assistant", "content": [block]}

    def result(output: str) -> Any:
        told = {"type": "tool_result", "tool_use_id": block["id"], "content": output}
        return {"role": "user", "content": [told]}

    return said, block["name"], json.dumps(block["input"]), result


def _call(provider: ScriptedProvider, family: Family, stream: bool, name: str, arguments: Any) -> None:
    """Let the model call a tool, its arguments in small pieces when they stream."""
    raw, number = json.dumps(arguments, ensure_ascii=False), f"toolu_4155550132{len(name)}"
    pieces = [raw[at : at + 37] for at in range(0, len(raw), 37)]
    if family == "openai":
        function = {"name": name, "arguments": "" if stream else raw}
        call = {"index": 0, "id": number, "type": "function", "function": function}
        grown = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": one}}]}) for one in pieces]
        if stream:
            provider.stream(chunk({"tool_calls": [call]}), *grown, chunk({}, "tool_calls"))
        else:
            provider.say(completion({"content": None, "tool_calls": [call]}))
        return
    block = {"type": "tool_use", "id": number, "name": name, "input": {} if stream else arguments}
    deltas = [{"type": "input_json_delta", "partial_json": one} for one in pieces]
    if stream:
        provider.stream(*message_events({**block, "deltas": deltas}, stop="tool_use"))
    else:
        provider.say(message(block, stop_reason="tool_use"))


def _seen(provider: ScriptedProvider, family: Family) -> str:
    """The output of the last tool, as the model sees it."""
    last = json.loads(provider.received[-1])["messages"][-1]["content"]
    return str(last if family == "openai" else last[0]["content"])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_every_byte_on_disk_is_what_the_model_meant(
    coding: GatewayProcess,
    coding_key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    tmp_path: Path,
    family: Family,
    stream: bool,
) -> None:
    agent = Agent(tmp_path, family, lambda body: post(http, coding, coding_key, body, family=family))
    for name, text in FILES.items():
        _call(scripted, family, stream, "write_file", {"path": name, "content": text})
        agent.turn(stream=stream)
        assert (tmp_path / name).read_bytes() == text.encode()

        _call(scripted, family, stream, "read_file", {"path": name})
        assert agent.turn(stream=stream) == text
        _call(scripted, family, stream, "grep", {"path": name, "pattern": "4"})
        found = agent.turn(stream=stream)

        # the model copies what it sees, which is masked, and the copy is the file
        _call(scripted, family, stream, "read_file", {"path": name})
        agent.turn(stream=stream)
        _call(scripted, family, stream, "read_file", {"path": name})  # for the output to be seen
        agent.turn(stream=stream)
        seen = _seen(scripted, family)
        _call(scripted, family, stream, "write_file", {"path": f"copy of {name}", "content": seen})
        agent.turn(stream=stream)
        assert (tmp_path / f"copy of {name}").read_bytes() == text.encode()
        assert set(found.split("\n")) <= {"", *text.split("\n")}
