"""The lines of a file: requests of a batch, conversations to train with, or what else a file says."""

from __future__ import annotations

from typing import Any

from gateway.dialects import (
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_images,
    openai_moderations,
    openai_responses,
)
from gateway.dialects.dialect import Dialect
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.form import free_line
from gateway.dialects.reading.joining import below, joined
from gateway.dialects.reading.leaves import Grammar, structural, words
from gateway.dialects.reading.lines import Lines
from gateway.dialects.reading.path import normalize
from gateway.dialects.reading.scalars import string
from gateway.words import Prompt

ONLINE: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    openai_completions.DIALECT,
    openai_embeddings.DIALECT,
    openai_moderations.DIALECT,
    openai_images.DIALECT,
)


def read_lines(lines: Lines, *, is_batch: bool) -> Prompt:
    """Return the prompt of a file's lines, each read as the request that it is.

    Raises Malformed where a line of a batch is no request of a dialect.
    """
    return joined(Prompt(), (below(_read(item, is_batch), f"/{index}") for index, item in lines.items()))


def _read(item: Any, is_batch: bool) -> Prompt:
    if isinstance(item, dict) and isinstance(item.get("body"), dict) and string(item, "url"):
        if dialect := _asked(item):
            prompt = below(dialect.read_prompt(item["body"]), "/body")
            around = {key: value for key, value in item.items() if key != "body"}
            return joined(Prompt(*_LINE.read(around)), [prompt])
    elif isinstance(item, dict) and isinstance(item.get("messages"), list) and not is_batch:
        return openai_chat.DIALECT.read_prompt(item)
    if is_batch:
        raise Malformed("expected each line of a batch to be a request that a dialect reads")
    return free_line(item)


def _asked(item: dict[str, Any]) -> Dialect | None:
    """Return the dialect of the address that a line names. Raises InvalidRequest."""
    path = normalize(string(item, "url").encode())
    if item.get("method", "POST") != "POST":
        return None
    return next((one for one in ONLINE if one.answers("openai", path)), None)


_STRUCTURAL = words("custom_id method url")
_LINE = Grammar(_STRUCTURAL | {"body"}, dict.fromkeys(_STRUCTURAL, structural))
