"""Prompts and completions of `openai.audio`: a text goes in, speech comes out, as media or in events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.reading.encoded import read_recording
from gateway.dialects.reading.leaves import Grammar, Label, Reader, Walk, counted, structural, words
from gateway.dialects.reading.scalars import integer, mapping
from gateway.dialects.reading.toolless import members_of, toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    prompt = toolless_prompt(_REQUEST, document)
    streams = isinstance(document, dict) and document.get("stream_format") == "sse"
    return replace(prompt, stream=prompt.stream or streams)


def read_completion(document: Any) -> Completion:
    """Return the completion of an event of a stream, or of an error's body. Raises Malformed."""
    usage = mapping(members_of(document), "usage")
    counts = Usage(integer(usage, "input_tokens"), integer(usage, "output_tokens"))
    return toolless_completion(RESPONSE, document, counts)


def _said(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("user", "text"))


def _how(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _sound(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "audio", read_recording(value))


# Keys of the schema: https://platform.openai.com/docs/api-reference/audio/createSpeech
_STRUCTURAL = words("model voice id response_format stream_format type code param")
_SHARED: dict[str, Reader] = dict.fromkeys(_STRUCTURAL, structural)
_REQUEST_READERS: dict[str, Reader] = {**_SHARED, "input": _said, "instructions": _how}
_RESPONSE_READERS: dict[str, Reader] = {**_SHARED, "audio": _sound, "usage": counted}
_REQUEST = Grammar(words("speed stream") | _REQUEST_READERS.keys(), _REQUEST_READERS)
RESPONSE = Grammar(
    words("error message input_tokens output_tokens total_tokens") | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
