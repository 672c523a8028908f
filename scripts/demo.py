"""`make demo`: five prompts through a running gateway, what the model saw and what the agent got."""

from __future__ import annotations

import json
import os
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_ROOT = Path(__file__).parent.parent
_REGATE = [sys.executable, "-m", "cli.main"]
_CONFIG = """
listen: 127.0.0.1:{port}
providers:
  demo: {{family: openai, base_url: "builtin:demo"}}
policy: {{path: {policies}}}
"""
_ALLOWED = "Which is the longest river of Europe?"
_MASKED = "Write to jane.roe@acme.org, or call her on (212) 555-0187."
_BULK = "Summarise: " + ", ".join(f"{letter}.{letter}oe@acme.org" for letter in string.ascii_lowercase)
_DENIED = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx1" * 8 + "\n-----END RSA PRIVATE KEY-----"


@dataclass(frozen=True)
class Gateway:
    """A running gateway: where it listens, the two keys, and the environment of its commands."""

    port: int
    agent: str
    approver: str
    env: dict[str, str]

    def ask(self, prompt: str, *, stream: bool = False) -> httpx.Response:
        """Send one chat prompt as the agent."""
        body = {"model": "demo", "messages": [{"role": "user", "content": prompt}], "stream": stream}
        url = f"http://127.0.0.1:{self.port}/demo/v1/chat/completions"
        headers = {"authorization": f"Bearer {self.agent}"}
        return httpx.post(url, json=body, headers=headers, timeout=60)

    def regate(self, *arguments: str) -> str:
        """What a command prints, run from another process."""
        command = [*_REGATE, *arguments]
        return subprocess.run(command, env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Run the five cases; 0 when each ended as it should."""
    with _gateway() as gateway:
        ends = [
            _case(gateway, "1. allowed", _ALLOWED, 200, "allow"),
            _case(gateway, "2. masked, and restored in the answer", _MASKED, 200, "mask"),
            _case(gateway, "3. streamed, masked and restored as it flows", _MASKED, 200, "mask", stream=True),
            _held(gateway),
            _case(gateway, "5. denied", _DENIED, 403, "deny"),
        ]
        _title("The record")
        query = "select phase, action, count(*) as decisions from decisions group by 1, 2 order by 1, 2"
        print(f'$ regate audit sql "{query}"')
        print(gateway.regate("audit", "sql", query))
        print("$ regate audit verify")
        print(gateway.regate("audit", "verify"))
    return 0 if all(ends) else 1


def _case(
    gateway: Gateway, title: str, prompt: str, status: int, action: str, *, stream: bool = False
) -> bool:
    _title(title)
    print(f"agent asks   {_short(prompt)}")
    response = gateway.ask(prompt, stream=stream)
    return _shown(gateway, response, status, action)


def _held(gateway: Gateway) -> bool:
    _title("4. held, then approved by another person")
    print(f"agent asks   {_short(_BULK)}")
    approving = threading.Thread(target=_approve, args=[gateway])
    approving.start()
    response = gateway.ask(_BULK)
    approving.join()
    return _shown(gateway, response, 200, "mask")


def _approve(gateway: Gateway) -> None:
    """A colleague at another terminal."""
    waiting: list[dict[str, str]] = []
    while not waiting:
        time.sleep(0.3)
        waiting = json.loads(gateway.regate("approvals", "list", "--status", "pending", "--json"))
    print(f"held         approval {waiting[0]['id']} of agent {waiting[0]['agent']} waits")
    gateway.regate("approvals", "approve", waiting[0]["id"], "--note", "one-off, checked with the owner")
    print("approved     by a colleague, with `regate approvals approve`")


def _shown(gateway: Gateway, response: httpx.Response, status: int, action: str) -> bool:
    exchange = response.headers["x-regate-exchange-id"]
    query = (
        "select text from parts where phase = 'request' and role = 'user' "
        f"and exchange_id = '{exchange}' order by 1 limit 1"
    )
    saw = json.loads(gateway.regate("audit", "sql", query, "--format", "json"))
    if response.status_code == 200:
        print(f"model saw    {_short(saw[0]['text'])}")
    print(f"agent got    {_short(_answer(response))}")
    print(f"decision     {response.headers['x-regate-action']}, HTTP {response.status_code}")
    print(f"find it      regate audit sql \"select * from decisions where exchange_id = '{exchange}'\"")
    return response.status_code == status and response.headers["x-regate-action"] == action


def _answer(response: httpx.Response) -> str:
    if response.headers["content-type"].startswith("text/event-stream"):
        data = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
        deltas = [json.loads(line)["choices"][0]["delta"].get("content", "") for line in data]
        return "".join(deltas) + f"   ({len(data)} events)"
    body = response.json()
    if "error" in body:
        return f"{body['error']['code']}: {body['error']['message']}"
    return str(body["choices"][0]["message"]["content"])


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def _short(text: str, limit: int = 150) -> str:
    text = text.replace("\n", "\\n")
    return text if len(text) <= limit else f"{text[:limit]}…"


@contextmanager
def _gateway() -> Iterator[Gateway]:
    with tempfile.TemporaryDirectory(prefix="regate-demo-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        config = Path(folder, "regate.yaml")
        config.write_text(_CONFIG.format(port=port, policies=_ROOT / "policies/rego"))
        env = {**os.environ, "REGATE_CONFIG": str(config), "PYTHONPATH": str(_ROOT)}
        agent = _key(env, "--agent", "demo", "--owner", "you")
        approver = _key(env, "--agent", "approver", "--owner", "colleague", "--role", "approver")
        process = subprocess.Popen([*_REGATE, "up", "--log-level", "warning"], env=env)
        try:
            _await(port, process)
            yield Gateway(port, agent, approver, {**env, "REGATE_KEY": approver})
        finally:
            process.terminate()
            process.wait(timeout=60)


def _key(env: dict[str, str], *arguments: str) -> str:
    command = [*_REGATE, "keys", "create", *arguments, "--json"]
    return str(json.loads(subprocess.check_output(command, env=env))["key"])


def _await(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the gateway did not become ready")


if __name__ == "__main__":
    sys.exit(main())
