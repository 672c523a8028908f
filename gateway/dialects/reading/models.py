"""Every model that a request can reach: its own, those a router may fall back to, those a tool asks.

    {"model": "gpt-5", "fallbacks": [{"gpt-5": ["o5"]}], "tools": [{"type": "advisor", "model": "opus"}]}
    gives gpt-5, o5 and opus

Routers invent keys faster than a list can follow, so a key is read by its ending: `fallback_models` and
`context_window_fallbacks` are both found, wherever they stand outside the conversation and JSON Schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.dialects.reading.path import decoded

# model, models, model_id, modelName, fallback_models, default_fallbacks, deployment_id
_NAMES_MODELS = re.compile(
    r".*(?:model|fallback|deployment)s?(?:[-_.]?(?:id|name|slug|list|group|alias)(?:es|s)?)?", re.IGNORECASE
)
# A text here names a model, or a set that the router keeps (OpenRouter's `preset`); an object is read on.
_ROUTES = frozenset(("route", "preset"))
_MODE = "fallback"  # OpenRouter's `route: fallback` says how, not where
_ACTS = frozenset(
    ("invokemodel",)
)  # Bedrock's count of tokens holds what a model would be asked under its verb
# What people and JSON Schemas say: no router takes a model from there.
_UNREAD = frozenset(
    (
        *("messages", "contents", "system", "instructions", "prediction", "metadata", "logit_bias"),
        *("properties", "patternproperties", "definitions", "$defs", "input_examples"),
        "variables",
    )
)
_IN_PATH = re.compile(r"/(?:deployments|engines|endpoints|(?:tuned)?models?)/([^/]+)", re.IGNORECASE)
_ALL_BEFORE_THE_VERB = re.compile(r"/model/(.+)/[^/]+$", re.IGNORECASE)  # an ARN of Bedrock may have slashes
_VERB = re.compile(r":[A-Za-z]+$")  # Gemini's `gemini-3:generateContent`; Bedrock's `claude-v1:0` has none


def named_models(document: Any) -> tuple[str, ...]:
    """Return the models that a request body names, each once, as they stand there."""
    return tuple(dict.fromkeys(name for name in _walk(document) if name))


def reachable(named: Iterable[str], path: str) -> tuple[str, ...]:
    """Return every model that is named in a body or in a path (Azure, Gemini, Bedrock), each once.

    A comma separates models: LiteLLM sends a request with `model: "a,b"` to both.
    """
    found = [*_IN_PATH.findall(path), *_ALL_BEFORE_THE_VERB.findall(path)]
    in_path = [_VERB.sub("", decoded(name)) for name in found]
    pieces = [piece.strip() for name in (*named, *in_path) for piece in name.split(",")]
    return tuple(dict.fromkeys(filter(None, pieces)))


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _ROUTES and isinstance(item, str):
                yield from () if item == _MODE else (item,)
            elif _NAMES_MODELS.fullmatch(key) and not (key.lower() in _ACTS and isinstance(item, dict)):
                yield from _names(item)
            elif key.lower() not in _UNREAD:
                yield from _walk(item)


def _names(value: Any) -> Iterator[str]:
    """Yield the models that stand under a key for models: a name, a list of them, or a router's objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict) and any(_NAMES_MODELS.fullmatch(key) for key in value):
        yield from _walk(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):  # LiteLLM's {"gpt-5": ["claude-5"]}
                yield key
            yield from _names(item)
