"""A provider that plays a model at the task: `python -m suites.clients.provider PORT LOG`.

It reads the values out of the prompt as they stand there, calls a tool with the address and the number, and
once the tool has answered says all of them again. Each request goes to LOG, as a line of JSON.
"""

from __future__ import annotations

import http.server
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE
from gateway.dialects.reading.framing import Framing
from gateway.dialects.reading.stream import json_event
from suites.clients import answers
from suites.clients.answers import Call, Said

_TASK = re.compile(r"Reach Jane Roe at (.+?), or on (.+?); her token is (\S+?) for now")
# What a client's own tools are called, and what they want to be given to write a note.
_SHELLS = {
    "exec_command": "cmd",
    **dict.fromkeys(("shell_command", "Bash", "bash", "run_shell_command"), "command"),
}
_RESULTS = ("function_call_output", "tool_result")
_APIS: tuple[tuple[str, Callable[..., Any], Callable[..., Any]], ...] = (
    ("/chat/completions", answers.chat, answers.chat_events),
    ("/responses", answers.responses, answers.responses_events),
    ("/messages", answers.messages, answers.messages_events),
    (":generateContent", answers.gemini, answers.gemini_events),
    (":streamGenerateContent", answers.gemini, answers.gemini_events),
    ("/api/chat", answers.ollama, answers.ollama_lines),
    ("/converse-stream", answers.converse, answers.converse_events),
    ("/invoke-with-response-stream", answers.messages, answers.messages_events),
)
_LINES = "/api/chat"
_FRAMED: dict[str, Framing] = {"/converse-stream": FRAMES, "/invoke-with-response-stream": CHUNKS}


def say(request: dict[str, Any]) -> Said:
    """Return what the model says to a request."""
    found = _TASK.search("\n".join(_strings(request)))
    if not found:
        return "A note"  # a title, or whatever else a client asks for beside the task
    address, number, token = found.groups()
    offered = [request.get("tools", []), request.get("toolConfig", {})]
    tools = {name for one in _objects(offered) if isinstance(name := one.get("name"), str)}
    if not tools:
        return f"note.txt\n```\n{address} {number}\n```\nNoted {address}, {number} and {token}."
    if any(_is_result(one) for one in _objects(request)):
        return f"Noted {address}, {number} and {token}."
    for shell, member in _SHELLS.items():
        if shell in tools:
            command = f"printf '%s\\n' '{address} {number}' > note.txt"
            more = {} if member == "cmd" else {"description": "Write the note"}
            return Call(shell, {member: command, **more})
    return Call("note" if "note" in tools else min(tools), {"address": address, "number": number})


def _is_result(one: dict[str, Any]) -> bool:
    return (
        one.get("role") == "tool"
        or one.get("type") in _RESULTS
        or not one.keys().isdisjoint(("functionResponse", "toolResult"))
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _objects(one)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request, whole or as server-sent events."""

    protocol_version = "HTTP/1.1"
    log: Path
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._note(body)
        path, _, query = self.path.partition("?")
        request = json.loads(body or b"{}")
        model = str(request.get("model", "model"))
        for ending, whole, events in _APIS:
            if path.endswith(ending):
                if ending in _FRAMED:
                    self._frames(events(say(request), model), _FRAMED[ending])
                elif ending == _LINES and request.get("stream", True):
                    self._begin("application/x-ndjson")
                    for line in events(say(request), model):
                        self.wfile.write(json.dumps(line).encode() + b"\n")
                elif request.get("stream") or "alt=sse" in query:
                    self._stream(events(say(request), model), done="chat" in ending)
                else:
                    self._answer(200, whole(say(request), model))
                return
        if path.endswith("/count_tokens"):
            self._answer(200, {"input_tokens": 9})
        else:
            self._answer(404, {"error": {"message": "there is no such path", "type": "not_found_error"}})

    def do_GET(self) -> None:
        self._note(b"")
        self._answer(200, {"object": "list", "data": []})

    do_HEAD = do_GET

    def _begin(self, media_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def _stream(self, events: Iterator[dict[str, Any]], *, done: bool) -> None:
        self._begin("text/event-stream")
        for event in events:
            named = f"event: {event['type']}\n" if "type" in event else ""
            self.wfile.write(f"{named}data: {json.dumps(event)}\n\n".encode())
        if done:
            self.wfile.write(b"data: [DONE]\n\n")

    def _frames(self, events: Iterator[dict[str, Any]], framing: Framing) -> None:
        self._begin(MEDIA_TYPE)
        encoder = framing.encoder()
        for event in events:
            ((name, said),) = event.items() if framing is FRAMES else [("", event)]
            self.wfile.write(encoder.encode(json_event(said, name)))

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _note(self, body: bytes) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers),
            "body": body.decode("utf-8", "replace"),
        }
        with self.lock, self.log.open("a") as log:
            log.write(json.dumps(told) + "\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the log has all of it."""


def main() -> None:
    """Serve until ended."""
    Handler.log = Path(sys.argv[2])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
