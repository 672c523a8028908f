"""Plain HTTP to the gateway, for what no SDK would send or show."""

from __future__ import annotations

import http.client
import json
from typing import Any, Literal

import httpx

from tests.support.gateway import GatewayProcess
from tests.support.sdk import Ask, anthropic_body, openai_body

Family = Literal["openai", "anthropic"]
PATHS: dict[str, str] = {"openai": "openai/v1/chat/completions", "anthropic": "anthropic/v1/messages"}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def body_of(family: Family, model: str, text: str, *, stream: bool = False, **extra: Any) -> dict[str, Any]:
    """A request body with one user text."""
    make = openai_body if family == "openai" else anthropic_body
    return make(model, Ask(user=text, extra={**({"stream": True} if stream else {}), **extra}))


def post(
    http: httpx.Client,
    gateway: GatewayProcess,
    key: str,
    body: Any,
    *,
    family: Family = "openai",
    path: str = "",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a body (JSON, or bytes as they are) and read the answer whole, a stream's too."""
    sent = {"content-type": "application/json", **bearer(key), **(headers or {})}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.post(f"{gateway.url}/{path or PATHS[family]}", content=content, headers=sent)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, whose shape is the dialect's own."""
    document = answer.json()
    error = document["error"]
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, error["code"]


def events(text: str) -> list[Any]:
    """The data of each event of a stream; comments are left out."""
    made = []
    for block in text.split("\n\n"):
        lines = [line.removeprefix("data: ") for line in block.split("\n") if line.startswith("data: ")]
        if lines:
            data = "\n".join(lines)
            made.append(data if data == "[DONE]" else json.loads(data))
    return made


def streamed_text(text: str) -> str:
    """The text of a streamed completion in either dialect."""
    said = []
    for event in events(text):
        if not isinstance(event, dict):
            continue
        for choice in event.get("choices") or []:
            said.append(choice["delta"].get("content") or "")
        said.append((event.get("delta") or {}).get("text") or "")
    return "".join(said)


def raw(
    gateway: GatewayProcess, method: str, target: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """One request whose target is sent as it stands: no client tidies it up."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()
