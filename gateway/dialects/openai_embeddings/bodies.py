"""Prompts and completions of `openai.embeddings`: what is embedded is a user's text."""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.leaves import Grammar, Label, Reader, Walk, counted, structural, words
from gateway.dialects.reading.scalars import integer, mapping
from gateway.dialects.reading.toolless import toolless_completion, toolless_prompt
from gateway.dialects.reading.vectors import tokens_or_text, vector
from gateway.words import Completion, Prompt, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    return toolless_prompt(_REQUEST, document)


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body. Raises Malformed."""
    return toolless_completion(RESPONSE, document, read_usage(document))


def read_usage(document: Any) -> Usage:
    """Return the tokens of the prompt; an embedding has none of its own."""
    usage = mapping(document, "usage") if isinstance(document, dict) else {}
    return Usage(integer(usage, "prompt_tokens", "total_tokens"), 0 if usage else -1)


def _input(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    tokens_or_text(walk, value, at, ("user", "text"))


# Keys of the schema: https://platform.openai.com/docs/api-reference/embeddings, and what vLLM adds to it
_STRUCTURAL = words("model object encoding_format embed_dtype endianness type code param")
_REQUEST_READERS: dict[str, Reader] = {**dict.fromkeys(_STRUCTURAL, structural), "input": _input}
_RESPONSE_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("usage", "created"), counted),
    "embedding": vector,
}
_REQUEST = Grammar(
    words("dimensions user truncate_prompt_tokens add_special_tokens priority normalize")
    | _REQUEST_READERS.keys(),
    _REQUEST_READERS,
)
RESPONSE = Grammar(
    words("id data index error message prompt_tokens completion_tokens total_tokens")
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
