"""`json`: bodies of endpoints that no other dialect knows; every key but two is a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.leaves import FIELD, Grammar, Label, Walk, structural
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.scalars import string
from gateway.words import Completion, Prompt


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body: its top may hold `model` and `stream`, as in other dialects."""
    walk = Walk(_GRAMMAR)
    models = named_models(document)
    if not isinstance(document, dict):
        walk.free(document, "", FIELD)
        return Prompt(tuple(walk.parts), models=models)
    walk.members(document, "", FIELD)
    return Prompt(
        tuple(walk.parts),
        model=string(document, "model"),
        models=models,
        stream=document.get("stream") is True,
    )


def read_nothing(_: Any) -> Prompt:
    """Return the prompt of a body that is not JSON, or of none: as JSON it has no parts."""
    return Prompt()


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, in which tool calls cannot be told."""
    walk = Walk(_GRAMMAR)
    walk.free(document, "", FIELD)
    return Completion(
        tuple(walk.parts), model=string(document, "model") if isinstance(document, dict) else ""
    )


def _same(_: Mapping[str, Any], label: Label) -> Label:
    return label


_GRAMMAR = Grammar(frozenset(("model", "stream")), {"model": structural}, _same)
