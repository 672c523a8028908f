"""Prompts and completions of Ollama's API, of which three endpoints share one schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.reading.calls import call_name, pointers_below, refuse_calls
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.encoded import read_media
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    free,
    labeled,
    messages,
    structural,
    words,
)
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import integer, mapping, number, string
from gateway.dialects.reading.tokens import read_tokens
from gateway.dialects.reading.toolless import members_of
from gateway.dialects.reading.vectors import tokens_or_text, vector
from gateway.words import Completion, Parameters, Part, Prompt, ToolCall, Usage

_LABELS: Mapping[str, Label] = {
    "system": ("system", "system"),
    "user": ("user", "text"),
    "assistant": ASSISTANT,
    "tool": ("tool", "tool_result"),
}


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields."""
    parts, attachments = REQUEST.read(document)
    if not isinstance(document, dict):
        return Prompt(parts, attachments)
    options = mapping(document, "options")
    return Prompt(
        parts=parts,
        attachments=attachments,
        tools=tuple(read_offers(document)),
        model=string(document, "model"),
        models=named_models(document),
        stream=document.get("stream") is not False,
        parameters=Parameters(integer(options, "num_predict"), number(options, "temperature")),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a body, of one line of a stream, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its message is not shaped so that every tool call in it can be told.
    """
    refuse_calls(members_of(document))
    withheld = _withhold_unfinished(document)
    parts, attachments = RESPONSE.read(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=tuple(_tool_calls(document, parts)),
        model=string(document, "model"),
        finish_reason=string(document, "done_reason"),
        usage=Usage(integer(document, "prompt_eval_count"), integer(document, "eval_count")),
        withheld_calls=withheld,
    )


def _withhold_unfinished(document: dict[str, Any]) -> int:
    """Take the last call out of a message that was cut off inside of it; return how many it took."""
    calls = mapping(document, "message").get("tool_calls")
    if document.get("done_reason") != "length" or not (isinstance(calls, list) and calls):
        return 0
    function = mapping(calls[-1], "function") if isinstance(calls[-1], dict) else {}
    if string(function, "name") and isinstance(function.get("arguments"), dict):
        return 0
    del calls[-1]
    return 1


def _tool_calls(document: Mapping[str, Any], parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    message = document.get("message") or {}
    if not isinstance(message, dict):
        raise Malformed("expected a message object")
    refuse_calls(message, "tool_calls")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise Malformed("expected the tool calls to be a list")
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise Malformed("expected a tool call to have a function")
        given = function.get("arguments")
        pointers = pointers_below(parts, f"/message/tool_calls/{index}/function/arguments")
        arguments = given if isinstance(given, dict) else None
        yield ToolCall(call_name(function), arguments, pointers, is_free=True)


def _as(label: Label) -> Reader:
    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
        walk.syntax(value, at, label)

    return read


def _input(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    tokens_or_text(walk, value, at, ("user", "text"))


def _images(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if not isinstance(value, list):
        walk.syntax(value, at, label)
        return
    for index, image in enumerate(value):
        walk.encoded(image, f"{at}/{index}", label, "image", read_media(image))


# Keys of the schema: https://docs.ollama.com/api
_STRUCTURAL = words("model role type name tool_name keep_alive done_reason created_at id tool_call_id")
_SHARED: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("arguments", "parameters", "options"), free),
    **dict.fromkeys(("tools", "format"), labeled("tool_definition")),
    "tool_calls": labeled("tool_call"),
    "messages": messages(_LABELS),
    "images": _images,
    "context": lambda walk, _, value, at, label: tokens_or_text(walk, value, at, label),
}
_REQUEST_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(("prompt", "suffix"), _as(("user", "text"))),
    "input": _input,
    "system": _as(("system", "system")),
    "template": _as(("system", "system")),
}
_COUNTS = words(
    "total_duration load_duration prompt_eval_count prompt_eval_duration eval_count eval_duration"
)
_RESPONSE_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(_COUNTS, counted),
    **dict.fromkeys(("message", "response", "thinking"), _as(ASSISTANT)),
    **dict.fromkeys(("embedding", "embeddings"), vector),
    "logprobs": lambda walk, _, value, at, label: read_tokens(walk, value, at, label),
}
_COMMON = words("content thinking function index description")
REQUEST = Grammar(
    _COMMON | words("stream think raw truncate dimensions logprobs top_logprobs") | _REQUEST_READERS.keys(),
    _REQUEST_READERS,
)
RESPONSE = Grammar(_COMMON | words("done error") | _RESPONSE_READERS.keys(), _RESPONSE_READERS)
VOCABULARY = REQUEST.words | RESPONSE.words
