"""Prompts and completions of `openai.moderations`: what is judged is a user's text, or an image."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_chat.media import image
from gateway.dialects.reading.leaves import Grammar, Label, Reader, Walk, counted, structural, url, words
from gateway.dialects.reading.toolless import toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    return toolless_prompt(_REQUEST, document)


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body. Raises Malformed."""
    return toolless_completion(RESPONSE, document)


def _input(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("user", "text"))


# Keys of the schema: https://platform.openai.com/docs/api-reference/moderations
_STRUCTURAL = words("model type id object code param")
_REQUEST_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    "input": _input,
    "image_url": image,
    "url": url,
}
_RESPONSE_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(
        ("categories", "category_scores", "category_applied_input_types", "usage", "created"), counted
    ),
}
_REQUEST = Grammar(words("text") | _REQUEST_READERS.keys(), _REQUEST_READERS)
RESPONSE = Grammar(words("results flagged error message") | _RESPONSE_READERS.keys(), _RESPONSE_READERS)
VOCABULARY = _REQUEST.words | RESPONSE.words
