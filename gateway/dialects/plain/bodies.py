"""`json`: bodies of endpoints that no other dialect knows; every key but two is a part."""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.leaves import FIELD, Grammar, Walk, structural
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.scalars import string
from gateway.words import Completion, Prompt


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body: its top may hold `model` and `stream`, as in other dialects.

    Raises Malformed when a tool call stands in it: one that no dialect describes would be run unjudged.
    """
    refuse_hidden_calls(document)
    (parts, _), models = REQUEST.read(document), named_models(document)
    if not isinstance(document, dict):
        return Prompt(parts, models=models)
    stream = document.get("stream") is True
    return Prompt(parts, model=string(document, "model"), models=models, stream=stream)


def read_nothing(_: Any) -> Prompt:
    """Return the prompt of a body that is not JSON, or of none: as JSON it has no parts."""
    return Prompt()


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body. Raises Malformed when a tool call stands in it."""
    refuse_hidden_calls(document)
    return read_fields(document)


def read_fields(document: Any) -> Completion:
    """Return the completion of a body of which only the strings count, as of an error."""
    walk = Walk(REQUEST)
    walk.free(document, "", FIELD)
    return Completion(
        tuple(walk.parts), model=string(document, "model") if isinstance(document, dict) else ""
    )


REQUEST = Grammar(frozenset(("model", "stream")), {"model": structural})
