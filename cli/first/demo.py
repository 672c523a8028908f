"""`regate demo`: five prompts through a running gateway, what the model saw and what the agent got."""

from __future__ import annotations

import json
import os
import socket
import string
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.first.init import write_folder
from cli.screen import line
from gateway.config import load_config
from gateway.errors import ConfigError

_REGATE = [sys.executable, "-m", "cli.main"]
_ALLOWED = "Which is the longest river of Europe?"
_MASKED = "Write to jane.roe@acme.org, or call her on (212) 555-0187."
_BULK = "Summarize: " + ", ".join(f"{letter}.{letter}oe@acme.org" for letter in string.ascii_lowercase)
_DENIED = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx1" * 8 + "\n-----END RSA PRIVATE KEY-----"


@dataclass(frozen=True)
class DemoGateway:
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
        done = subprocess.run(command, env=self.env, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this program
        return done.stdout


app = typer.Typer(add_completion=False)


@app.command("demo")
def demo(
    folder: Annotated[
        Path, typer.Argument(help="Where the gateway, its policy and its evidence stay.")
    ] = Path("regate-demo"),
) -> None:
    """Send five prompts through a gateway of its own, and show what became of each.

    The folder stays: every command that is shown works in it. Exit code 1 when a prompt ends in another way.

    Example: regate demo
    """
    config = _written(folder)
    print(line(f"The commands below work in {folder.absolute()}."), flush=True)
    raise typer.Exit(0 if _shown_cases(config) else 1)


def _written(folder: Path) -> Path:
    """Return the configuration in the folder; it is written unless it is there, for a port that is free."""
    config = folder / "regate.yaml"
    if config.exists():
        return config
    write_folder(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = config.read_text("utf-8")
    config.write_text(text.replace("listen: 127.0.0.1:8700", f"listen: 127.0.0.1:{port}", 1), "utf-8")
    return config


def _shown_cases(config: Path) -> bool:
    """Run the five cases, and return whether each ended as it should."""
    with _gateway(config) as gateway:
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
    return all(ends)


def _case(
    gateway: DemoGateway, title: str, prompt: str, status: int, action: str, *, stream: bool = False
) -> bool:
    _title(title)
    print(f"agent asks   {_short(prompt)}")
    response = gateway.ask(prompt, stream=stream)
    return _shown(gateway, response, status, action)


def _held(gateway: DemoGateway) -> bool:
    _title("4. held, then approved by another person")
    print(f"agent asks   {_short(_BULK)}")
    approving = threading.Thread(target=_approve, args=[gateway])
    approving.start()
    response = gateway.ask(_BULK)
    approving.join()
    return _shown(gateway, response, 200, "mask")


def _approve(gateway: DemoGateway) -> None:
    """A colleague at another terminal."""
    waiting: list[dict[str, str]] = []
    while not waiting:
        time.sleep(0.3)
        waiting = json.loads(gateway.regate("approvals", "list", "--status", "pending", "--json"))
    print(f"held         approval {waiting[0]['id']} of agent {waiting[0]['agent']} waits")
    gateway.regate("approvals", "approve", waiting[0]["id"], "--note", "one-off, checked with the owner")
    print("approved     by a colleague, with `regate approvals approve`")


def _shown(gateway: DemoGateway, response: httpx.Response, status: int, action: str) -> bool:
    exchange = response.headers["x-regate-exchange-id"]
    of_prompt = f"exchange_id = '{exchange}' and phase = 'request' and role = 'user'"
    query = f"select text from parts where {of_prompt} order by 1 limit 1"  # noqa: S608 - an id of ours
    saw = json.loads(gateway.regate("audit", "sql", query, "--format", "json"))
    if response.status_code == 200:
        print(f"model saw    {_short(saw[0]['text'])}")
    print(f"agent got    {_short(_answer(response))}")
    print(f"decision     {response.headers['x-regate-action']}, HTTP {response.status_code}")
    print(f"find it      regate audit sql \"from decisions where exchange_id = '{exchange}'\"")
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
def _gateway(file: Path) -> Iterator[DemoGateway]:
    config = load_config(file)
    if config.providers.get("demo") is None:
        raise ConfigError(f"{file}: found no provider demo; expected a folder that `regate demo` wrote")
    env = {**os.environ, "REGATE_CONFIG": str(file.absolute())}
    process = subprocess.Popen([*_REGATE, "up", "--no-demo", "--log-level", "error"], env=env)  # noqa: S603 - this program
    try:
        _await(config.port, process)
        agent = _key(env, "--agent", "demo", "--owner", "you")
        approver = _key(env, "--agent", "approver", "--owner", "colleague", "--role", "approver")
        yield DemoGateway(config.port, agent, approver, {**env, "REGATE_KEY": approver})
    finally:
        process.terminate()
        process.wait(timeout=60)


def _key(env: dict[str, str], *arguments: str) -> str:
    command = [*_REGATE, "keys", "create", *arguments, "--expires", "1d", "--json"]
    return str(json.loads(subprocess.check_output(command, env=env))["key"])  # noqa: S603 - this program


def _await(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise ConfigError("the gateway did not become ready")
