"""Prompts and completions of `openai.audio`: a text goes in and speech comes out, or the other way round."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.reading.encoded import read_media, read_recording
from gateway.dialects.reading.form import FormBody, form_prompt
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    structural,
    words,
)
from gateway.dialects.reading.scalars import integer, mapping
from gateway.dialects.reading.tokens import read_tokens, read_words
from gateway.dialects.reading.toolless import members_of, toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    prompt = toolless_prompt(_REQUEST, document)
    streams = isinstance(document, dict) and document.get("stream_format") == "sse"
    return replace(prompt, stream=prompt.stream or streams)


def read_form(form: FormBody) -> Prompt:
    """Return the prompt of a form with a recording. Raises Malformed."""
    return form_prompt(form, _FORM)


def read_completion(document: Any) -> Completion:
    """Return the completion of a transcript, an event of a stream, or an error's body. Raises Malformed."""
    usage = mapping(members_of(document), "usage")
    counts = Usage(integer(usage, "input_tokens"), integer(usage, "output_tokens"))
    return toolless_completion(RESPONSE, document, counts)


def _said(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("user", "text"))


def _heard(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ASSISTANT)


def _words(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    read_words(walk, value, at, label)


def _tokens(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    read_tokens(walk, value, at, label)


def _voice(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "audio", read_media(value))


def _how(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _sound(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "audio", read_recording(value))


# Keys of the schema: https://platform.openai.com/docs/api-reference/audio
_STRUCTURAL = words(
    "model voice id response_format stream_format type code param language languages task segment_id"
)
_SHARED: dict[str, Reader] = dict.fromkeys(_STRUCTURAL, structural)
_REQUEST_READERS: dict[str, Reader] = {**_SHARED, "input": _said, "instructions": _how}
_FORM_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(("prompt", "keywords", "known_speaker_names"), _said),
    **dict.fromkeys(("include", "timestamp_granularities", "chunking_strategy"), structural),
    "known_speaker_references": _voice,
}
_RESPONSE_READERS: dict[str, Reader] = {
    **_SHARED,
    "audio": _sound,
    **dict.fromkeys(("text", "word", "speaker"), _heard),
    "words": _words,
    "logprobs": _tokens,
    **dict.fromkeys(("usage", "tokens"), counted),
}
_REQUEST = Grammar(words("speed stream") | _REQUEST_READERS.keys(), _REQUEST_READERS)
_FORM = Grammar(words("file stream temperature") | _FORM_READERS.keys(), _FORM_READERS)
RESPONSE = Grammar(
    words(
        """
        error message input_tokens output_tokens total_tokens segments duration start end seek temperature
        avg_logprob compression_ratio no_speech_prob token logprob bytes
        """
    )
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
