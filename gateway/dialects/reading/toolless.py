"""Bodies of endpoints whose models call no tools: embeddings, moderations, images, speech."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.leaves import FIELD, Grammar, Label
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.scalars import string
from gateway.words import Completion, Prompt, Usage

_UNCOUNTED = Usage()


def toolless_prompt(grammar: Grammar, document: Any) -> Prompt:
    """Return the prompt of a body that offers no tools."""
    parts, attachments = grammar.read(document)
    if not isinstance(document, dict):
        return Prompt(parts, attachments)
    return Prompt(
        parts=parts,
        attachments=attachments,
        model=string(document, "model"),
        models=named_models(document),
        stream=document.get("stream") is True,
    )


def toolless_completion(
    grammar: Grammar, document: Any, usage: Usage = _UNCOUNTED, label: Label = FIELD
) -> Completion:
    """Return the completion of a body, or of an error's. Raises Malformed when a tool call hides in it."""
    refuse_hidden_calls(members_of(document))
    parts, attachments = grammar.read(document, label=label)
    return Completion(parts, attachments, model=string(document, "model"), usage=usage)


def members_of(document: Any) -> Mapping[str, Any]:
    """Return the members of an answer. Raises Malformed when it is no object."""
    if not isinstance(document, dict):
        raise Malformed("expected an object")
    return document
