"""What the fake provider answers: the behaviour that the `model` field names, in either dialect.

A model is a name and options, say `echo,chunk=1,delay=0.01`: `chunk` is the characters of a streamed delta,
`cut` the bytes of a network write (0 = an event each), `delay` the seconds between two writes.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support import anthropic_wire, openai_wire, responses_wire
from tests.support.saying import Saying, said_by
from tests.support.values import CREDENTIAL

_HANG_SECONDS = 3600.0
_COUNT = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for so long."""

    seconds: float


class Drop:
    """Close the connection here."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status line, headers, and what follows in order. Nothing at all is written before the first bytes."""

    status: int
    headers: Mapping[str, str]
    steps: Iterable[bytes | Wait | Drop]
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """The parsed `model` field."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def number(self, option: str, default: float) -> float:
        return float(self.options.get(option, default))


def reply_to(request: Request) -> Reply:
    """The whole behaviour of the provider."""
    path = request.target.partition("?")[0]
    if path.endswith("/models"):
        listed = {"object": "list", "data": [{"id": "echo", "object": "model"}], "has_more": False}
        return _json(200, listed)
    if "/responses/" in path and not request.body:
        return _stored(request)
    try:
        body = json.loads(request.body)
        model = parse_model(body["model"])
    except (ValueError, KeyError, TypeError):
        return _json(400, {"error": {"message": "the fake provider cannot read this", "type": "bad"}})
    anthropic = path.endswith("/messages")
    fault = _fault(model, request, anthropic, bool(body.get("stream")))
    if fault is not None:
        return fault
    if path.endswith("/responses"):
        return _response(model, body, said_by(model.name, body))
    return _completion(model, body, said_by(model.name, body), anthropic)


def _stored(request: Request) -> Reply:
    """A response that was made before: `resp_MODEL` is what that model says to nothing."""
    path, _, query = request.target.partition("?")
    name = path.partition("/responses/")[2].split("/")[0].removeprefix("resp_")
    items = responses_wire.items_of(said_by(name, {"input": "stored"}))
    if path.endswith("/input_items"):
        return _json(
            200, {"object": "list", "data": items, "has_more": False, "first_id": "a", "last_id": "a"}
        )
    if "stream=true" in query:
        events = responses_wire.encoded(responses_wire.events(items))
        return Reply(200, _headers({"content-type": "text/event-stream"}), events, streamed=True)
    status = "cancelled" if path.endswith("/cancel") else "completed"
    return _json(200, responses_wire.document(items, status=status))


def _response(model: Model, body: dict[str, Any], saying: Saying) -> Reply:
    items = responses_wire.items_of(saying)
    if not body.get("stream"):
        return _json(200, responses_wire.document(items, model=body["model"]))
    events = responses_wire.events(items, int(model.number("chunk", 4)), model=body["model"])
    headers = _headers({"content-type": "text/event-stream; charset=utf-8"})
    return Reply(200, headers, _flow(model, responses_wire.encoded(events), False), streamed=True)


def parse_model(text: str) -> Model:
    name, *options = text.split(",")
    return Model(name, dict(option.split("=", 1) for option in options))


def _completion(model: Model, body: dict[str, Any], saying: Saying, anthropic: bool) -> Reply:
    wire = anthropic_wire if anthropic else openai_wire
    if not body.get("stream"):
        reply = _json(200, wire.document(body, saying))
        return _whole(model, reply.headers, b"".join(_bytes(reply)))
    events = wire.events(body, saying, int(model.number("chunk", 4)))
    headers = _headers({"content-type": "text/event-stream; charset=utf-8"})
    return Reply(200, headers, _flow(model, events, anthropic), streamed=True)


def _whole(model: Model, headers: Mapping[str, str], body: bytes) -> Reply:
    """The document as one body, with the fault that the model's name means."""
    half, announced = body[: len(body) // 2], {**headers, "content-length": str(len(body))}
    match model.name:
        case "broken-json":
            return Reply(200, headers, [half])
        case "close-mid":
            return Reply(200, announced, [half, Drop()])
        case "hang-mid":
            return Reply(200, announced, [half, Wait(_HANG_SECONDS)])
        case "gzip":
            return Reply(200, {**headers, "content-encoding": "gzip"}, [gzip.compress(body)])
    return Reply(200, headers, [Wait(model.number("delay", 0)), body])


def _flow(model: Model, events: list[bytes], anthropic: bool) -> Iterator[bytes | Wait | Drop]:
    """The events as writes, cut and delayed, with the fault that the model's name means."""
    middle = len(events) // 2
    if model.name == "broken-sse":
        events.insert(middle, b'data: {"choices": [{"delta": {"content": "never clo\n\n')
    elif model.name == "error-mid":
        wire = anthropic_wire if anthropic else openai_wire
        events[middle:] = [wire.error_event("the model is overloaded")]
    elif model.name == "truncated":
        del events[middle:]
    delay, cut = model.number("delay", 0), int(model.number("cut", 0))
    for index, event in enumerate(events):
        if index == middle and model.name == "hang-mid":
            yield Wait(_HANG_SECONDS)
        if index == middle and model.name == "close-mid":
            yield event[: len(event) // 2]
            yield Drop()
        if index and delay:
            yield Wait(delay)
        for start in range(0, len(event), cut or len(event)):
            yield event[start : start + (cut or len(event))]


def _fault(model: Model, request: Request, anthropic: bool, stream: bool) -> Reply | None:
    """The answers that are no completion at all."""
    credential = request.headers.get("x-api-key") or request.headers.get("authorization", "")
    if match := re.fullmatch(r"error-(\d{3})", model.name):
        return _error(int(match[1]), credential, anthropic)
    if match := re.fullmatch(r"redirect-(\d{3})", model.name):
        return Reply(int(match[1]), _headers({"location": "/elsewhere/v1/models"}), [b""])
    if model.name == "html":
        return Reply(200, _headers({"content-type": "text/html"}), [b"<html><body>It works!</body></html>"])
    if model.name == "untyped":
        return Reply(200, _headers({}), [b"no content type, and not empty"])
    if model.name == "hang":
        return Reply(200, _headers({}), [Wait(_HANG_SECONDS), b"late"])
    if model.name == "close":
        return Reply(200, _headers({}), [Drop()])
    if model.name == "huge":
        kind = "text/event-stream" if stream else "application/json"
        return Reply(200, _headers({"content-type": kind}), _huge(stream), streamed=True)
    return None


def _huge(stream: bool) -> Iterator[bytes]:
    """64 MiB of an answer that comes to no end, never whole in memory."""
    if stream:
        yield b"data: "
    yield b'{"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "'
    for _ in range(1024):
        yield b"word " * 13107


def _error(status: int, credential: str, anthropic: bool) -> Reply:
    """The provider's own error, which repeats the credential it was called with, in body and header."""
    message = f"request failed: incorrect credential {credential} provided"
    error = {"message": message, "type": "provider_error", "code": f"e{status}"}
    document = {"type": "error", "error": error} if anthropic else {"error": error}
    body = json.dumps(document).encode()
    headers = {
        "content-type": "application/json",
        "retry-after": "0",
        "x-ratelimit-limit-requests": CREDENTIAL,
    }
    return Reply(status, _headers(headers), [body])


def _json(status: int, document: Any) -> Reply:
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(status, _headers({"content-type": "application/json"}), [body])


def _bytes(reply: Reply) -> list[bytes]:
    return [step for step in reply.steps if isinstance(step, bytes)]


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What every provider sends along, and no agent should see but the request's id."""
    return {
        **headers,
        "set-cookie": "__cf_bm=cookie-of-the-provider; path=/; HttpOnly",
        "openai-organization": "org-of-the-operator",
        "openai-project": "proj-of-the-operator",
        "anthropic-organization-id": "org-of-the-operator",
        "x-internal-route": "rack-7.internal",
        "server": "cloudflare",
        "cf-ray": "8c1-FRA",
        "x-request-id": f"req-{next(_COUNT)}",
        "request-id": f"req-{next(_COUNT)}",
    }
