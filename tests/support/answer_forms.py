"""The forms in which providers send what they say: spellings, content types, codings, errors, framings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.endpoints import ENDPOINTS, SAID, STREAMED, Endpoint
from tests.support.served import Headers, Reply, Sent
from tests.support.wires import WIRES

_JSON = ("content-type", "application/json")
_SSE = "text/event-stream"
_ODD: Headers = (
    ("x-request-id", "req_abc"),
    ("request-id", "req_abc"),
    ("openai-processing-ms", "12"),
    ("openai-version", "2020-10-01"),
    ("openai-organization", "org-abc"),
    ("anthropic-organization-id", "org-abc"),
    ("x-ratelimit-remaining-tokens", "149984"),
    ("anthropic-ratelimit-tokens-remaining", "149984"),
    ("server-timing", "gfet4t7; dur=12"),
    ("content-language", "en"),
    ("retry-after-ms", "5"),
    ("x-should-retry", "true"),
    ("Date", "Sat, 28 Nov 2026 06:00:00 GMT"),
    ("Server", "cloudflare"),
    ("cf-ray", "abc-FRA"),
    ("set-cookie", "a=b; Path=/"),
    ("set-cookie", "c=d; Path=/"),
    ("etag", '"abc"'),
    ("vary", "Origin"),
    ("alt-svc", 'h3=":443"'),
    ("strict-transport-security", "max-age=31536000"),
    ("x-empty", ""),
    ("x-ratelimit-note", "Grüße"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request, and what a provider answers it."""

    name: str
    sent: Sent
    reply: Reply
    streams: bool = False


def answers() -> Iterator[Answered]:
    """Yield every answer: each endpoint in each form that it can have."""
    for one in ENDPOINTS.values():
        for name, form in {**_WHOLE, **(_RICH if one in STREAMED else {})}.items():
            yield Answered(f"{one.name}, {name}", one.sent(), form(one.said))
    for one in STREAMED:
        for name, framing in _FRAMINGS.items():
            if one.stream_type == _SSE or name in _OF_LINES:
                yield Answered(f"{one.name}, {name}", one.sent(stream=True), framing(one), streams=True)
    for family, document in _ERRORS.items():
        one, is_first = ENDPOINTS[_OF_FAMILY[family]], family == "openai"
        for status in _STATUSES if is_first else _USUAL:
            yield Answered(f"{family}, {status}", one.sent(), _error(status, document))
        for name, reply in _odd_errors(document):
            yield Answered(f"{family}, {name}", one.sent(), reply)
            if is_first:
                yield Answered(f"asked for a stream, {name}", one.sent(stream=True), reply)
    yield from _called()
    yield from _media()
    yield from _bare()


def _compact(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _pretty(document: Any) -> bytes:
    return json.dumps(document, indent=2).encode() + b"\n"


def _reply(body: bytes, kind: str = "application/json", *headers: tuple[str, str], **more: Any) -> Reply:
    typed = (("content-type", kind),) if kind else ()
    return Reply(headers=(*typed, *headers), pieces=[body], **more)


def _known(document: Any, **more: Any) -> Any:
    return {**document, **more} if isinstance(document, dict) else document


_WHOLE: Mapping[str, Callable[[Any], Reply]] = {
    "compact": lambda said: _reply(_compact(said)),
    "pretty": lambda said: _reply(_pretty(said), "application/json; charset=utf-8"),
    "odd numbers": lambda said: _reply(
        _compact(said)[:-1] + b', "n": [1.0, 1.50, 1e5, 1E+2, -0, -0.0, 0.1e-6, 12345678901234567890123]}'
    ),
    "escapes": lambda said: _reply(_compact(said)[:-1] + rb', "e": "\u00e9\/\ud834\udd1e\u0041\b"}'),
}
# Where texts are said: what is seldom, and need not be asked of every endpoint.
_RICH: Mapping[str, Callable[[Any], Reply]] = {
    "unknown members": lambda said: _reply(
        _compact(_known(said, hologram={"a": [1, None, True]}, x_note="calm"))
    ),
    "odd headers": lambda said: _reply(_compact(said), "application/json", *_ODD),
    "in pieces": lambda said: Reply(headers=[_JSON], pieces=_cut(_pretty(said), 170), chunked=True),
    "gzip": lambda said: _reply(
        gzip.compress(_compact(said)), "application/json", ("content-encoding", "gzip")
    ),
    "as text": lambda said: _reply(_compact(said), "text/plain; charset=utf-8"),
    "as a profile's": lambda said: _reply(_compact(said), "application/json; profile=x"),
    "with long numbers": lambda said: _reply(_compact(said)[:-1] + b', "n": [0.12345678901234567890123]}'),
    "as nothing": lambda said: _reply(_compact(said), ""),
    "as a vendor's": lambda said: _reply(_compact(said), "application/vnd.api+json"),
    "with a BOM's absence, and blanks": lambda said: _reply(b"\n  " + _compact(said) + b" \r\n"),
    "201": lambda said: _reply(_compact(said), status=201),
    "203, in capitals": lambda said: _reply(_compact(said), "Application/JSON;Charset=UTF-8", status=203),
    "a long text": lambda said: _reply(_compact(_known(said, long="calm sea " * 2000))),
}


def _cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def _streamed(one: Endpoint, change: Callable[[bytes], bytes] = bytes, size: int = 0) -> Reply:
    body = change(one.stream())
    pieces = _cut(body, size) if size else [piece + b"\n\n" for piece in body.split(b"\n\n") if piece]
    if one.stream_type != _SSE or b"\r" in body:
        pieces = _cut(body, size or 64)
    return Reply(headers=[("content-type", one.stream_type)], pieces=pieces, chunked=True)


def _typed(reply: Reply, kind: str) -> Reply:
    return Reply(headers=[("content-type", kind)], pieces=reply.pieces, chunked=True)


def _with(before: bytes) -> Callable[[bytes], bytes]:
    """Return what puts bytes before the second event."""

    def change(body: bytes) -> bytes:
        first, _, rest = body.partition(b"\n\n")
        return first + b"\n\n" + before + rest

    return change


def _logprobs(one: Endpoint) -> Reply:
    """Give each choice of a chat completion, or of what is like one, the probabilities of its tokens."""
    told = {"content": [{"token": "sea", "logprob": -0.25, "bytes": None, "top_logprobs": []}]}
    body = one.stream().replace(
        b'"finish_reason": null', b'"finish_reason": null, "logprobs": ' + _compact(told)
    )
    return Reply(headers=[("content-type", one.stream_type)], pieces=[body], chunked=True)


_FRAMINGS: Mapping[str, Callable[[Endpoint], Reply]] = {
    "streamed": _streamed,
    "streamed in small pieces": lambda one: _streamed(one, size=23),
    "streamed at once": lambda one: _streamed(one, size=100_000),
    "streamed under a charset": lambda one: _typed(_streamed(one), f"{one.stream_type}; charset=utf-8"),
    "streamed with CR LF": lambda one: _streamed(one, lambda body: body.replace(b"\n", b"\r\n")),
    "streamed with comments": lambda one: _streamed(one, _with(b": keep-alive\n\n")),
    "streamed with a number in a comment": lambda one: _streamed(one, _with(b": queue 4155552671\n\n")),
    "streamed with a comment first": lambda one: _streamed(one, lambda body: b": PROCESSING\n\n" + body),
    "streamed with ids": lambda one: _streamed(
        one, lambda body: body.replace(b"data:", b"id: 7\nretry: 9\ndata:")
    ),
    "streamed with logprobs": _logprobs,
    "streamed without blanks": lambda one: _streamed(one, lambda body: body.replace(b"data: ", b"data:")),
}
_OF_LINES = frozenset(
    ("streamed", "streamed in small pieces", "streamed at once", "streamed under a charset")
)

_OF_FAMILY = {
    "openai": "openai.chat",
    "anthropic": "anthropic.messages",
    "gemini": "gemini.generate",
    "ollama": "ollama.chat",
    "bedrock": "bedrock.converse",
}
_ERRORS: Mapping[str, Any] = {
    "openai": {"error": {"message": "Try later.", "type": "requests", "param": None, "code": "rate_limited"}},
    "anthropic": {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_a",
    },
    "gemini": {
        "error": {"code": 429, "message": "Try later.", "status": "RESOURCE_EXHAUSTED", "details": []}
    },
    "ollama": {"error": "model 'm' not found"},
    "bedrock": {"message": "Too many tokens, please wait before trying again."},
}
_USUAL = (400, 401, 429, 529)
_STATUSES = (
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    410,
    413,
    415,
    418,
    422,
    424,
    429,
    451,
    499,
    500,
    501,
    502,
    503,
    504,
    520,
    529,
)


def _error(status: int, document: Any) -> Reply:
    more = (("retry-after", "7"),) if status in (429, 503, 529) else ()
    if status == 401:
        more = (("www-authenticate", "Bearer"),)
    return _reply(_pretty(document), "application/json", *more, status=status)


def _odd_errors(document: Any) -> Iterator[tuple[str, Reply]]:
    again = (("retry-after", "3"), ("x-should-retry", "true"), ("x-request-id", "req_abc"))
    yield "429 as a text", _reply(b"Too many requests\n", "text/plain", *again, status=429)
    yield "503 as a page", _reply(b"<html><body>Bad</body></html>", "text/html", status=503)
    yield "500 as nothing", Reply(500, [("content-type", "text/plain")], [])
    yield "502 without a type", _reply(b"upstream connect error", "", status=502)
    yield "429 JSON as a text", _reply(_compact(document), "text/plain", status=429)
    yield "400 as a problem", _reply(_compact(document), "application/problem+json", status=400)
    yield "400 in a list", _reply(_compact([document]), status=400)
    yield "400 as bytes", _reply(bytes(range(128, 200)), "application/octet-stream", status=400)


def _called() -> Iterator[Answered]:
    """Yield completions that call a tool."""
    calls = [("look", '{"at": "the sea", "how": {"far": 1.0}}'), ("look", "{}")]
    why = {"anthropic": "tool_use", "bedrock": "tool_use", "gemini": "STOP"}
    for name, wire in WIRES.items():
        if wire.calls:
            one, told = ENDPOINTS[name], why.get(name.partition(".")[0], "tool_calls")
            told = "completed" if name == "openai.responses" else told
            said = wire.whole(SAID, calls, told)
            yield Answered(f"{name}, calling", one.sent(), _reply(_pretty(said)))
            body = wire.body(SAID, calls, told, stream=True)
            reply = Reply(200, [("content-type", wire.media_type)], [body], chunked=True)
            yield Answered(f"{name}, a call streamed", one.sent(stream=True), reply, streams=True)


def _media() -> Iterator[Answered]:
    """Yield answers other than JSON."""
    speech = Sent(
        "POST", "/openai/v1/audio/speech", [_JSON], _compact({"model": "t", "input": "sea", "voice": "a"})
    )
    sound = b"ID3" + bytes(range(256)) * 40
    yield Answered("speech", speech, _reply(sound, "audio/mpeg"))
    yield Answered(
        "speech in pieces", speech, Reply(200, [("content-type", "audio/wav")], _cut(sound, 999), True)
    )
    asked = ENDPOINTS["transcripts"].sent()
    for kind, text in _TRANSCRIPTS.items():
        yield Answered(f"a transcript as {kind}", asked, _reply(text.encode(), kind))
    lines = b"".join(
        _compact({"custom_id": str(n), "response": {"body": {"id": "x"}}}) + b"\n" for n in range(3)
    )
    content = Sent("GET", "/openai/v1/files/file-abc/content")
    for kind in (
        "application/octet-stream",
        "application/jsonl",
        "application/binary",
        "text/plain; charset=utf-8",
    ):
        yield Answered(f"a file of lines as {kind}", content, _reply(lines, kind))
    yield Answered("a picture's file", content, _reply(b"\x89PNG\r\n\x1a\n" + bytes(99), "image/png"))
    yield Answered("a text's file", content, _reply(SAID.encode(), "text/plain; charset=utf-8"))
    results = Sent("GET", "/anthropic/v1/messages/batches/msgbatch_abc/results")
    told = {
        "custom_id": "a",
        "result": {"type": "succeeded", "message": ENDPOINTS["anthropic.messages"].said},
    }
    yield Answered("results", results, _reply(_pretty_line(told), "application/x-jsonl"))
    batch = {
        **ENDPOINTS["anthropic.batch"].said,
        "results_url": "https://api.example/v1/messages/batches/b/results",
    }
    yield Answered("where results are", ENDPOINTS["anthropic.batch"].sent(), _reply(_compact(batch)))


_TRANSCRIPTS = {
    "text/plain": SAID,
    "text/plain; charset=utf-8": SAID,
    "text/vtt": "WEBVTT\n\n00:00.000 --> 00:02.000\nThe sea.\n",
    "application/x-subrip": "1\n00:00:00,000 --> 00:00:02,000\nThe sea.\n",
}


def _pretty_line(document: Any) -> bytes:
    return json.dumps(document).encode() + b"\r\n"


def _bare() -> Iterator[Answered]:
    """Yield answers without a body, redirects, and answers to HEAD."""
    chat, models = ENDPOINTS["openai.chat"], ENDPOINTS["models"]
    yield Answered("204", chat.sent(), Reply(204))
    yield Answered("204 to DELETE", ENDPOINTS["deleted file"].sent(), Reply(204, [("x-request-id", "req_a")]))
    yield Answered("200 to DELETE, empty", ENDPOINTS["deleted file"].sent(), Reply(200))
    yield Answered("202, empty", ENDPOINTS["unknown"].sent(), Reply(202))
    for status in (301, 302, 303, 307, 308):
        there = [("location", "https://api.example/other"), ("content-type", "text/html")]
        yield Answered(f"{status}", chat.sent(), Reply(status, there, [b"<a href=x>moved</a>"]))
    yield Answered("304", models.sent(), Reply(304, [("etag", '"a"')]))
    for target in ("/openai/v1/models", "/openai/v1/models/m", "/anthropic", "/anthropic/", "/openai/v1/"):
        yield Answered(f"HEAD {target}", Sent("HEAD", target), Reply(200, [_JSON, ("x-request-id", "req_a")]))
    yield Answered("HEAD, 404", Sent("HEAD", "/anthropic/v1"), Reply(404, [_JSON], [b"{}"]))
