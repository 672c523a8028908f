"""Completions of `anthropic.count_tokens`: numbers. They are no usage, since counting costs no tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import estimated_tokens
from gateway.dialects.reading.leaves import Grammar, counted, structural, words
from gateway.dialects.reading.toolless import toolless_completion
from gateway.words import Completion


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body. Raises Malformed."""
    return toolless_completion(RESPONSE, document)


def demo(body: Mapping[str, Any], _: int) -> dict[str, Any]:
    """Return about how many tokens a message has."""
    return {"input_tokens": estimated_tokens(body, "")[0]}


# Keys of the schema: https://platform.claude.com/docs/en/api/messages-count-tokens
_READERS = {
    **dict.fromkeys(words("type request_id"), structural),
    **dict.fromkeys(words("input_tokens context_management"), counted),
}
RESPONSE = Grammar(words("original_input_tokens error message") | _READERS.keys(), _READERS)
