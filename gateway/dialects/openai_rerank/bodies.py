"""Prompts and completions of `openai.rerank`: a query and documents go in, scores come out."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_embeddings.bodies import read_usage
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
from gateway.dialects.reading.toolless import toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    return toolless_prompt(_REQUEST, document)


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body. Raises Malformed."""
    return toolless_completion(RESPONSE, document, read_usage(document))


def _asked(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("user", "text"))


def _echoed(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read a document that comes back with its score; the prompt's own values come back in it."""
    walk.syntax(value, at, ASSISTANT)


# Keys of the schema: https://docs.vllm.ai/en/stable/serving/openai_compatible_server
_STRUCTURAL = words("model id object type code param encoding_format")
_REQUEST_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(words("query documents queries items text_1 text_2"), _asked),
}
_RESPONSE_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("usage", "created", "relevance_score", "score"), counted),
    "document": _echoed,
}
_REQUEST = Grammar(
    words(
        """
        text top_n top_k return_documents max_chunks_per_doc max_tokens_per_doc truncate_prompt_tokens
        priority user
        """
    )
    | _REQUEST_READERS.keys(),
    _REQUEST_READERS,
)
RESPONSE = Grammar(
    words("results data index text error message prompt_tokens completion_tokens total_tokens")
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
