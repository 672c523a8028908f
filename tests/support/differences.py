"""What differs for a client that has the gateway between itself and a provider, and where it may.

`docs/reference/transparency.md` says by these names what each difference is; `tests/app/test_transparency.py`
holds both.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE
from gateway.dialects.reading.framing import JSON_ARRAY, LINES
from gateway.dialects.reading.sse import SseDecoder, SseEvent
from tests.support.answer_forms import Answered
from tests.support.served import Got, Sent

_OWN = ("date", "content-length", "transfer-encoding", "connection")
_TEXTS = ("content", "text", "delta", "response", "thinking")
_UNSAID = ("logprobs", "obfuscation", "sequence_number")


def of_answer(case: Answered, direct: Got, governed: Got) -> Iterator[str]:
    """Yield the name of each difference between two answers; what none explains raises AssertionError."""
    if direct.status != governed.status:
        assert direct.status in range(300, 304) or direct.status in (307, 308), (case.name, governed)
        assert governed.status == 502, case.name
        yield "redirect"
    elif direct.body != _decoded(governed):
        yield from _of_body(case, direct, governed)
    yield from _of_headers(case, direct, governed)


def _of_headers(case: Answered, direct: Got, governed: Got) -> Iterator[str]:
    before, after = dict(direct.headers), dict(governed.headers)
    for name in before.keys() - after.keys() - {*_OWN, "content-encoding", "content-type"}:
        assert not name.startswith(("retry-", "x-should-", "x-request-")), (case.name, name)
        yield "dropped headers"
    for name in after.keys() - before.keys():
        added = {
            "cache-control": "stream headers",
            "x-accel-buffering": "stream headers",
            "content-encoding": "coding",
            "vary": "coding",
            "content-security-policy": "no pages",
            "x-content-type-options": "no pages",
            "content-type": "content type",
        }
        if name.startswith("x-regate-") or name in _OWN:
            yield "own headers"
        elif not (name == "x-should-retry" and governed.status == 502):
            yield added[name]
    for name in (before.keys() & after.keys()) - {*_OWN, "content-type"}:
        assert before[name] == after[name], (case.name, name)
    if "content-encoding" in before and "content-encoding" not in after:
        yield "coding"
    said, told = before.get("content-type", ""), after.get("content-type", "")
    if said != told:
        assert told == "application/json" or said.startswith(told), (case.name, said, told)
        yield "content type"


def _of_body(case: Answered, direct: Got, governed: Got) -> Iterator[str]:
    if "content-encoding" in dict(direct.headers):
        assert gzip.decompress(direct.body) == governed.body, case.name
    elif case.streams:
        yield from _of_stream(case, direct, governed)
    elif b"results_url" in direct.body:
        assert direct.body.replace(b"https://api.example", b"") == governed.body, case.name
        yield "results address"
    elif direct.status >= 400:
        error = json.loads(governed.body)
        assert "upstream_unreadable" in json.dumps(error), (case.name, governed)
        yield "unread error"
    else:
        assert json.loads(direct.body) == json.loads(governed.body), (case.name, direct, governed)
        yield "long numbers"


def _of_stream(case: Answered, direct: Got, governed: Got) -> Iterator[str]:
    before, after = _events(direct), _events(governed)
    assert _told(before) == _told(after), (case.name, direct.body, governed.body)
    for word in _UNSAID[:2]:
        if f'"{word}"' in "".join(event.data for event in before) and b'[{"token"' not in governed.body:
            yield "token probabilities"
    for name, told, kept in (
        ("event ids", [(one.id, one.retry) for one in before], [(one.id, one.retry) for one in after]),
        ("comments", _comments(direct), _comments(governed)),
    ):
        plain = ("", -1)
        assert {one for one in kept if one != plain} <= {*told}, (case.name, kept)
        if sum(one != plain for one in kept) < sum(one != plain for one in told):
            yield name
    shapes, spelled = [*map(_shape, after)], {event.data for event in after}
    if any(event.data not in spelled and _shape(event) in shapes for event in before):
        yield "event spelling"
    if [*map(_shape, before)] != shapes:
        yield "text pieces"
    if "a call" in case.name:
        yield "whole calls"


def _comments(got: Got) -> list[object]:
    is_sse = got.header("content-type").startswith("text/")
    return [line for line in got.body.splitlines() if is_sse and line.startswith(b":")]


def _events(got: Got) -> list[SseEvent]:
    kind = got.header("content-type").partition(";")[0]
    if kind == "text/event-stream":
        return SseDecoder(1 << 30).feed(got.body)
    if kind == MEDIA_TYPE:
        framing = CHUNKS if b"chunk" in got.body else FRAMES
        return framing.decoder(1 << 30).feed(got.body)
    return (LINES if kind == LINES.media_type else JSON_ARRAY).decoder(1 << 30).feed(got.body)


def _shape(event: SseEvent) -> tuple[str, Any]:
    return event.event, json.loads(event.data) if event.data != "[DONE]" else None


def _told(events: list[SseEvent]) -> tuple[Any, ...]:
    """Return what events say, however it is cut: texts by their places, other facts, types in order."""
    texts: dict[str, str] = {}
    facts: set[tuple[str, str]] = set()
    kinds: list[str] = []
    for name, document in map(_shape, events):
        kind = name or (document.get("type", "") if isinstance(document, dict) else "end")
        if kinds[-1:] != [kind]:
            kinds.append(kind)
        for at, key, leaf in _leaves(document, ""):
            if isinstance(leaf, str) and (key in _TEXTS or key in ("arguments", "partial_json", "input")):
                place = f"{kind} {at}" if kind.endswith((".done", ".completed")) else at
                if key not in _TEXTS or "arguments" in kind:  # those of calls are written anew
                    leaf = leaf.replace(" ", "")
                texts[place] = texts.get(place, "") + leaf
            else:
                facts.add((at, json.dumps(leaf)))
    return {place: text for place, text in texts.items() if text}, facts, kinds


def _leaves(value: Any, at: str, key: str = "") -> Iterator[tuple[str, str, Any]]:
    if key in _UNSAID:
        return
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, f"{at}/{name}", name)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(below, f"{at}/{index}", key)
    elif value not in (None, ""):
        yield at, key, value


def _decoded(got: Got) -> bytes:
    return gzip.decompress(got.body) if "gzip" in got.values("content-encoding") else got.body


def of_request(sent: Sent, direct: Got, governed: Got, *, secret: str) -> Iterator[str]:
    """Yield the name of each difference for a provider; what none explains raises AssertionError."""
    assert direct.method == governed.method
    before, after = ({name: one.header(name) for name, _ in one.headers} for one in (direct, governed))
    if len(before) < len(direct.headers):
        yield "joined headers"
    assert secret in (
        after.get("authorization", "") + after.get("x-api-key", "") + after.get("x-goog-api-key", "")
    )
    yield "credential"
    own = {"host", "connection", "accept-encoding", "accept", *_OWN}
    for name in before.keys() - after.keys() - own - {"authorization", "content-encoding"}:
        yield "dropped headers"
        assert not name.startswith(("x-stainless", "openai-beta", "anthropic-", "x-title")), name
    assert after.keys() - before.keys() <= own | {
        "user-agent",
        "authorization",
        "x-api-key",
        "x-goog-api-key",
        "content-type",
    }
    kept = (before.keys() & after.keys()) - own - {"authorization", "user-agent", "content-type"}
    assert {name: before[name] for name in kept} == {name: after[name] for name in kept}
    assert after["user-agent"].startswith(f"{before.get('user-agent', '')} regate/".lstrip())
    yield "user agent"
    if before.get("host") != after.get("host"):
        yield "connection"
    yield from _of_target(direct.target, governed.target)
    yield from _of_sent_body(before, direct.body, after, governed.body)


def _of_target(before: str, after: str) -> Iterator[str]:
    (path, _, query), (sent_path, _, sent_query) = before.partition("?"), after.partition("?")
    if path != sent_path:
        assert unquote(path) == unquote(sent_path)
        assert path.lower().count("%2f") == sent_path.lower().count("%2f")
        yield "path spelling"
    if query != sent_query:
        kept = [
            pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in ("key", "api_key")
        ]
        assert parse_qsl(sent_query, keep_blank_values=True) == kept
        yield "query spelling"


def _of_sent_body(
    before: Mapping[str, str], body: bytes, after: Mapping[str, str], sent: bytes
) -> Iterator[str]:
    if body == sent:
        return
    if "content-encoding" in before:
        body = gzip.decompress(body)
    plain, anew = json.loads(body), json.loads(sent)
    assert plain == anew
    assert _order(plain) == _order(anew)
    assert after["content-type"] == "application/json"
    yield "body spelling"


def _order(document: Any) -> list[tuple[str, str]]:
    """Return the leaves in their order, integers exact."""
    return [(at, json.dumps(leaf)) for at, _, leaf in _leaves(document, "")]
