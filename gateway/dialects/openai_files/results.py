"""The lines of a file that comes down: what the requests of a batch were answered, or what was stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.openai_files.requests import ONLINE
from gateway.dialects.plain.bodies import read_completion as read_plain
from gateway.dialects.plain.bodies import read_fields
from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.joining import completion_below
from gateway.dialects.reading.leaves import Grammar, counted, structural, words
from gateway.dialects.reading.scalars import mapping, string
from gateway.words import Completion

_BY_OBJECT = {
    "chat.completion": "openai.chat",
    "response": "openai.responses",
    "text_completion": "openai.completions",
    "list": "openai.embeddings",
}
_SAYING = {  # the members in which a dialect reads calls, or which repeat the request
    "openai.chat": frozenset(("choices",)),
    "openai.responses": frozenset(("output", "tools", "instructions", "prompt")),
}
_BY_MEMBER = {"results": "openai.moderations", "data": "openai.images"}


def read_line(item: Any) -> Completion:
    """Return the completion of one line. Raises Malformed when a tool call hides in it.

    A request that was stored may hold the calls of its history, which no client runs.
    """
    if not isinstance(item, dict):
        return read_plain(item)
    response = mapping(item, "response")
    if isinstance(body := response.get("body"), dict):
        around = {**item, "response": {key: value for key, value in response.items() if key != "body"}}
        refuse_hidden_calls(around)
        said = completion_below(_answered(body), "/response/body")
        return replace(said, parts=(*_LINE.read(around)[0], *said.parts))
    is_request = isinstance(item.get("messages"), list) or (
        isinstance(item.get("body"), dict) and bool(string(item, "url"))
    )
    return read_fields(item) if is_request else read_plain(item)


def _answered(body: dict[str, Any]) -> Completion:
    """Return what one request was answered. Calls stand where its object has them, and nowhere else.

    A client goes by what it asked for, whatever the body says that it is.
    """
    by_member = next((name for member, name in _BY_MEMBER.items() if member in body), "")
    name = _BY_OBJECT.get(string(body, "object"), by_member)
    dialect = next((one for one in ONLINE if one.name == name), None)
    if dialect is None:
        return read_plain(body)
    said = _SAYING.get(name, frozenset())
    refuse_hidden_calls({key: value for key, value in body.items() if key not in said})
    return dialect.read_completion(body)


_STRUCTURAL = words("id custom_id request_id code param type")
_COUNTED = words("status_code line")
_LINE = Grammar(
    words("response error message body") | _STRUCTURAL | _COUNTED,
    {**dict.fromkeys(_STRUCTURAL, structural), **dict.fromkeys(_COUNTED, counted)},
)
