"""Rich requests: whatever clients send that a gateway could lose, reorder, or spell in another way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.endpoints import ENDPOINTS, form
from tests.support.served import Headers, Sent

_JSON = ("content-type", "application/json")
_BODIES: Mapping[str, bytes] = {
    "key order": b'{"zeta":1,"model":"m","alpha":{"b":2,"a":1},"messages":[]}',
    "big numbers": b'{"model":"m","messages":[],"seed":12345678901234567890123,"n":9007199254740993}',
    "floats": b'{"model":"m","messages":[],"temperature":1.0,"top_p":1e-1,"x":[-0.0,1E+2,0.10]}',
    "blanks": b' {\n\t"model" : "m" , "messages" : [ ] }\r\n',
    "escapes": rb'{"model":"m","messages":[{"role":"user","content":"\u00e9\/\ud834\udd1e\u0000\b"}]}',
    "unicode": '{"model":"m","messages":[{"role":"user","content":"Über ☀ 𝄞 \u202e\u200b"}]}'.encode(),
    "like keys": b'{"model":"m","messages":[],"a":1,"a ":2,"a\xcc\x88":3,"\xc3\xa4":4}',
    "nothing": b'{"model":"m","messages":[],"stop":null,"tools":[],"metadata":{},"user":"","x":[[],{},[[]]]}',
    "unknown members": b'{"model":"m","messages":[],"hologram":{"depth":[1,[2,[3]]]},"x-y":true}',
    "a long text": b'{"model":"m","messages":[{"role":"user","content":"%s"}]}' % (b"calm sea " * 9000),
    "tools": json.dumps(
        {
            "model": "m",
            "messages": [],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "look",
                        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
                    },
                }
            ],
        }
    ).encode(),
}
_HEADERS: Mapping[str, Headers] = {
    "what SDKs tell": [
        ("user-agent", "OpenAI/Python 2.9.0"),
        ("x-stainless-lang", "python"),
        ("x-stainless-retry-count", "0"),
        ("idempotency-key", "stainless-python-retry-abc"),
    ],
    "a trace": [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "a=b"),
        ("baggage", "k=v"),
    ],
    "a referer": [("http-referer", "https://app.example/"), ("x-title", "Über app")],
    "betas": [
        ("openai-beta", "assistants=v2"),
        ("anthropic-beta", "a-1,b-2"),
        ("anthropic-version", "2023-06-01"),
    ],
    "callers": [
        ("x-forwarded-for", "10.1.2.3"),
        ("cookie", "a=b"),
        ("openai-organization", "org-a"),
        ("origin", "https://a.example"),
    ],
    "an odd accept": [("accept", "text/event-stream, application/json;q=0.5"), ("accept-language", "de")],
    "an odd content type": [("content-type", "application/json; charset=utf-8")],
    "a header twice": [("x-note", "one"), ("x-note", "two")],
    "an empty header": [("x-note", "")],
    "a key in the query": [],
}
_QUERIES = (
    "api-version=2024-10-21",
    "alt=sse",
    "include[]=a&include[]=b",
    "include%5B%5D=a%20b&include%5B%5D=c+d",
    "order=desc&limit=20&after=abc",
    "flag",
    "empty=&next=1",
    "q=a%26b%3Dc%2Fd",
    "q=%C3%BC%E2%98%80",
    "a=1&a=2&a=1",
    "start_time=1698787200&purpose=x",
    "api_key=mine&limit=1",
    "filter=a,b;c:d@e",
)
_PATHS = (
    "/openai/v1/models/meta-llama%2FLlama-3-8B",
    "/openai/v1/models/meta-llama%2fLlama-3-8B",
    "/openai/v1/models/a%20b",
    "/openai/v1/models/%C3%BC",
    "/openai/v1/models/m%3Aft",
    "/openai/v1/models/ft:gpt-4o:acme::abc",
    "/openai/v1/models/a+b,c;d=e@f!",
    "/openai/v1/models/",
    "/gemini/v1beta/models/m",
    "/ollama/api/tags",
    "/openai/v1/%6Dodels",
)
_METHODS = ("GET", "DELETE", "PUT", "PATCH", "HEAD", "POST")


def requests() -> Iterator[tuple[str, Sent]]:
    """Yield every request with its name."""
    chat = ENDPOINTS["openai.chat"]
    for name, one in ENDPOINTS.items():
        yield name, one.sent()
    for name, body in _BODIES.items():
        yield name, Sent("POST", chat.target, [_JSON], body)
        yield f"{name}, unknown endpoint", Sent("POST", "/openai/v1/evals", [_JSON], body)
    for name, headers in _HEADERS.items():
        typed = headers if "content-type" in dict(headers) else [_JSON, *headers]
        yield name, Sent("POST", chat.target, typed, b'{"model":"m","messages":[]}')
    for query in _QUERIES:
        yield query, Sent("GET", f"/openai/v1/models?{query}")
        yield (
            f"{query}, posted",
            Sent("POST", f"{chat.target}?{query}", [_JSON], b'{"model":"m","messages":[]}'),
        )
    for path in _PATHS:
        yield path, Sent("GET", path)
    yield "a trailing slash", Sent("POST", f"{chat.target}/", [_JSON], b'{"model":"m","messages":[]}')
    yield (
        "an encoded slash, posted",
        Sent("POST", "/gemini/v1beta/models/a%2Fb:generateContent", [_JSON], b'{"contents":[]}'),
    )
    for method in _METHODS:
        yield method, Sent(method, "/openai/v1/evals/abc")
    packed = gzip.compress(b'{"model":"m","messages":[]}')
    yield "gzip", Sent("POST", chat.target, [_JSON, ("content-encoding", "gzip")], packed)
    chunks = b'5\r\n{"mod\r\n16\r\nel":"m","messages":[]}\r\n0\r\n\r\n'
    yield "chunks", Sent("POST", chat.target, [_JSON, ("transfer-encoding", "chunked")], chunks)
    yield from _forms()
    lines = b'{"a": 1.0}\r\n{"b":  2}\n'
    yield "lines", Sent("POST", "/openai/v1/evals", [("content-type", "application/jsonl")], lines)
    yield (
        "a text",
        Sent("POST", "/openai/v1/evals", [("content-type", "text/plain; charset=utf-8")], "Über".encode()),
    )
    yield "bytes", Sent("POST", "/openai/v1/evals", [("content-type", "image/png")], b"\x89PNG\r\n\x1a\n\0\1")


def _forms() -> Iterator[tuple[str, Sent]]:
    made: Mapping[str, Any] = {
        "quoted": form(
            ('name="file"; filename="a %22b%22.txt"', "text/plain", b"calm\r\nsea"),
        ),
        "unicode": form(('name="file"; filename="über.txt"', "text/plain", "Über".encode())),
        "many": form(*(('name="tags[]"', "", str(n).encode()) for n in range(20))),
        "another boundary": form(('name="a"', "", b"b"), boundary="----WebKitFormBoundary7MA4YWxk"),
        "bytes": form(
            ('name="file"; filename="a.png"', "image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
        ),
        "empty": form(('name="a"', "", b""), ('name="file"; filename=""', "application/octet-stream", b"")),
    }
    for name, (kind, body) in made.items():
        yield f"a form, {name}", Sent("POST", "/openai/v1/evals", [("content-type", kind)], body)
