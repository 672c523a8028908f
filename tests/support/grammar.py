"""A grammar of exchanges: what clients may send and providers may answer, from valid to hostile."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.support.answer_forms import answers
from tests.support.endpoints import ENDPOINTS
from tests.support.served import Reply, Sent

ADMIN = "/admin/v1"


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what the provider does with it. `drops`: it closes after so many bytes (-1: never)."""

    sent: Sent
    reply: Reply
    drops: int


_ADMIN_PATHS = (
    "/whoami",
    "/approvals",
    "/approvals/x",
    "/approvals/x/approve",
    "/approvals/x/deny",
    "/sessions",
    "/sessions/s",
    "/exchanges",
    "/exchanges/x",
    "/keys",
    "/keys/k",
    "/policy",
    "/sql",
    "/nothing",
    "",
)
_SERVED = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/console",
    "/console/approvals",
    "/bundles/x.tar.gz",
    "/",
    "/unknown/v1/models",
)
_METHODS = ("GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")
_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/json; charset=utf-16",
    "application/jsonl",
    "text/plain",
    "multipart/form-data; boundary=XyZ0123",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/mixed; boundary=a",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "image/png",
    "",
    ";",
    "a",
    "application/vnd.a+json",
)
_HEADERS: Mapping[str, Sequence[str]] = {
    "accept": ("*/*", "text/event-stream", "application/json", ""),
    "accept-encoding": ("gzip", "gzip;q=0", "br, *;q=0", ";;,"),
    "content-encoding": ("gzip", "identity", "br", "zstd", "deflate", "gzip, gzip, gzip", "x"),
    "x-regate-session": ("s", "", "é" * 300, "a\tb"),
    "x-regate-on-behalf-of": ("ana", "", "x" * 3000),
    "x-api-key": ("rg_wrong", ""),
    "anthropic-version": ("2023-06-01", "nonsense"),
    "anthropic-beta": ("files-api-2025-04-14", "a,b,,"),
    "mcp-method": ("tools/call", "x"),
    "mcp-session-id": ("abc", "sealed.x"),
    "connection": ("keep-alive", "x-a, close", "upgrade"),
    "upgrade": ("websocket", "h2c"),
    "expect": ("100-continue", "200"),
    "range": ("bytes=0-9",),
    "origin": ("https://a.example", "null"),
    "x-forwarded-for": ("10.1.2.3", "nonsense", ",,,"),
    "x-http-method-override": ("DELETE",),
    "user-agent": ("", "a" * 5000, "ü"),
    "cookie": ("a=b; c",),
    "transfer-encoding": ("gzip, chunked",),
    "content-length": ("0", "99999999999", "-1", "x"),
}
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["jane.roe@acme.org", "4111 1111 1111 1111", "<EMAIL_ADDRESS_abcdef>", "\ud7ff", "\x00", "ｊａｎｅ"]
    ),
)
_KEYS = st.sampled_from(
    [
        "model",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "tools",
        "tool_calls",
        "function",
        "name",
        "input",
        "stream",
        "metadata",
        "parts",
        "id",
        "",
        "__proto__",
        "Model",
        "arguments",
        "file_id",
        "usage",
        "choices",
        "error",
        "delta",
        "index",
        "finish_reason",
        "purpose",
        "n",
    ]
) | st.text(max_size=5)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_ROLES = ("user", "assistant", "system", "tool", "developer", "x", None, 3)


@st.composite
def _mutated(draw: st.DrawFn, document: Any) -> Any:
    """Draw a document with a few of its nodes replaced, dropped, doubled or wrapped."""
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        holder, key = document, None
        while isinstance(holder, (dict, list)) and holder:
            key = draw(st.sampled_from([*holder] if isinstance(holder, dict) else [*range(len(holder))]))
            if not (isinstance(holder[key], (dict, list)) and holder[key]) or draw(st.booleans()):
                break
            holder = holder[key]
        if key is None or not isinstance(holder, (dict, list)) or not holder:
            break
        how = draw(st.integers(0, 4))
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[draw(_KEYS)] = draw(_VALUES)
        elif how == 2:
            holder[key] = [holder[key], holder[key]]
        else:
            holder[key] = draw(_VALUES)
    return document


@st.composite
def _spelled(draw: st.DrawFn, document: Any) -> bytes:
    """Draw bytes for a document: JSON in some spelling, cut, with bytes put in, deep, or encoded."""
    text = json.dumps(
        document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, None, 1]))
    )
    body = text.encode("utf-8", "surrogatepass")
    how = draw(st.integers(0, 39))
    if how == 0:
        return body[: draw(st.integers(0, len(body)))]
    if how == 1:
        at = draw(st.integers(0, len(body)))
        return body[:at] + draw(st.binary(max_size=6)) + body[at:]
    if how == 2:
        return draw(
            st.sampled_from(
                [b"[" * 5000, b'{"a":' * 3000, b"[" * 90 + b"]" * 90, b"", b"null", b'"x"', b"1e999", b"-"]
            )
        )
    if how == 3:
        return text.encode(draw(st.sampled_from(["utf-16", "utf-16-le", "utf-8-sig", "utf-32"])), "replace")
    if how == 4:
        digits = draw(
            st.sampled_from(
                [
                    b"9" * 5000,
                    b"1e400",
                    b"-0",
                    b"1" + b"0" * 400,
                    b"0.1e-99999",
                    b"NaN",
                    b"Infinity",
                    b"0x1",
                    b"01",
                ]
            )
        )
        return body.rstrip(b"}") + b', "n": ' + digits + b"}"
    if how == 5:
        return body.rstrip(b"}") + rb', "model": "a", "model": "b", "e": "\ud800"}'
    if how == 6:
        return gzip.compress(body)
    if how == 7:
        return body + b"\n" + body
    return body


@st.composite
def _body(draw: st.DrawFn, asked: Any) -> tuple[str, bytes]:
    """Draw a body and its content type."""
    if isinstance(asked, tuple):
        kind, body = asked
        if draw(st.booleans()):
            at = draw(st.integers(0, len(body)))
            body = (
                body[:at]
                + draw(st.sampled_from([b"\r\n", b"--XyZ0123", b"\r\n--XyZ0123\r\n", b"\0", b'"', b"\xff"]))
                + body[at:]
            )
        if draw(st.booleans()):
            body = body[: draw(st.integers(0, len(body)))]
    else:
        streams = {"stream": True} if isinstance(asked, dict) and draw(st.booleans()) else {}
        document = {**asked, **streams} if isinstance(asked, dict) else draw(_VALUES)
        kind, body = "application/json", draw(_spelled(draw(_mutated(document))))
    if draw(st.integers(0, 9)) == 0:
        kind = draw(st.sampled_from(_TYPES))
    return kind, body


@st.composite
def _path(draw: st.DrawFn, path: str) -> str:
    """Draw a path, mostly the one that is given."""
    if draw(st.integers(0, 9)):
        return path
    at = draw(st.integers(0, len(path)))
    inserted = draw(
        st.sampled_from(
            [
                "/",
                "//",
                "/..",
                "%2e%2e/",
                "%2F",
                "%2f",
                "%5c",
                "%00",
                "%25",
                "%",
                "%C3%BC",
                ";x",
                "\\",
                "a" * 3000,
                ":",
                "%ff",
                "/./",
                "~",
            ]
        )
    )
    return path[:at] + inserted + path[at:]


@st.composite
def _query(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 3)):
        return ""
    pieces = draw(
        st.lists(
            st.sampled_from(
                [
                    "a=1",
                    "stream=true",
                    "key=x",
                    "alt=sse",
                    "limit=-1",
                    "limit=x",
                    "page=99999999999999999999",
                    "status=zzz",
                    "%ff=1",
                    "%",
                    "a=%2525",
                    "=",
                    "a",
                    "&&",
                    "include[]=b",
                    "jane=jane.roe@acme.org",
                    "x=" + "y" * 2000,
                ]
            ),
            max_size=4,
        )
    )
    return "?" + "&".join(pieces)


@st.composite
def _headers(draw: st.DrawFn) -> list[tuple[str, str]]:
    if draw(st.integers(0, 3)):
        return []
    names = draw(st.lists(st.sampled_from([*_HEADERS]), max_size=3))
    return [(name, draw(st.sampled_from(_HEADERS[name]))) for name in names]


@st.composite
def _replies(draw: st.DrawFn) -> Reply:
    """Draw an answer of a provider, mostly one of the forms that providers send, with something wrong."""
    known = draw(st.sampled_from(_ANSWERS))
    body = b"".join(known.pieces)
    how = draw(st.integers(0, 7))
    headers, status = list(known.headers), known.status
    if how == 0:
        body = body[: draw(st.integers(0, len(body)))]
    elif how == 1:
        at = draw(st.integers(0, len(body)))
        body = (
            body[:at]
            + draw(
                st.binary(max_size=8) | st.sampled_from([b"\n\n", b"data: ", b"}", b'"', b"\xff", b"[DONE]"])
            )
            + body[at:]
        )
    elif how == 2:
        status = draw(
            st.sampled_from(
                [
                    100,
                    101,
                    103,
                    199,
                    200,
                    201,
                    204,
                    206,
                    299,
                    300,
                    304,
                    399,
                    400,
                    404,
                    429,
                    500,
                    599,
                    600,
                    999,
                ]
            )
        )
    elif how == 3:
        headers += [
            (
                draw(
                    st.sampled_from(
                        [
                            "content-type",
                            "content-encoding",
                            "x-request-id",
                            "retry-after",
                            "set-cookie",
                            "location",
                            "mcp-session-id",
                        ]
                    )
                ),
                draw(
                    st.sampled_from(
                        [
                            "",
                            "x",
                            "gzip",
                            "text/event-stream",
                            "a" * 5000,
                            "ü",
                            "application/json",
                            "audio/mpeg",
                        ]
                    )
                ),
            )
        ]
    elif how == 4:
        document = draw(_VALUES)
        body = json.dumps(document).encode("utf-8", "surrogatepass")
    size = draw(st.sampled_from([1 << 20, 1 << 20, 64]))
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return Reply(status, headers, pieces, draw(st.booleans()))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an exchange."""
    whose = draw(st.integers(0, 29))
    headers = draw(_headers())
    if whose == 0:
        target, asked, method = draw(st.sampled_from(_SERVED)), None, draw(st.sampled_from(_METHODS))
    elif whose <= 4:
        target, asked = ADMIN + draw(st.sampled_from(_ADMIN_PATHS)), draw(st.sampled_from(_ASKED))
        method = draw(st.sampled_from(_METHODS))
    else:
        one = draw(st.sampled_from([*ENDPOINTS.values()]))
        target, asked, method = one.stream_target or one.target, one.asked, one.method
        if draw(st.integers(0, 5)) == 0:
            method = draw(st.sampled_from(_METHODS))
        if one.name == "mcp" or draw(st.integers(0, 19)) == 0:
            target, asked = "/tools/mcp", draw(st.sampled_from(_RPC))
    path, _, query = target.partition("?")
    target = quote(draw(_path(path)), safe="/%:;\\~!$&'()*+,=@") + (f"?{query}" if query else draw(_query()))
    if asked is None and draw(st.integers(0, 5)):
        sent = Sent(method, target, headers)
    else:
        kind, body = draw(_body(asked))
        sent = Sent(method, target, [("content-type", kind), *headers] if kind else headers, body)
    drops = draw(st.integers(0, 400)) if draw(st.integers(0, 15)) == 0 else -1
    return Case(sent, draw(_replies()), drops)


_ASKED = (
    {"query": "SELECT 1"},
    {"query": "SELECT * FROM exchanges"},
    {"query": "DROP TABLE x"},
    {"note": "well"},
    {"agent": "a", "owner": "b"},
    {},
)
_RPC = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "look", "arguments": {"at": "sea"}},
    },
    {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)
_ANSWERS = [case.reply for case in answers()]
