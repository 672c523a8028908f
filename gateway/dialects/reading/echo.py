"""What the built-in demo provider says in every dialect: the last user text, as it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def echo(body: Mapping[str, Any]) -> str:
    """Return the last user text of a prompt with `messages`, as the model was given it."""
    texts = [""]
    for message in body.get("messages") or []:
        content = message.get("content")
        if message.get("role") != "user":
            continue
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts.append("\n".join(part["text"] for part in content if isinstance(part.get("text"), str)))
    return f"You said: {texts[-1]}"


def split_words(text: str) -> list[str]:
    """Split a text into the pieces of a stream, each a word with its space."""
    words = text.split(" ")
    return [*(f"{word} " for word in words[:-1]), words[-1]]


def estimated_tokens(body: Mapping[str, Any], reply: str) -> tuple[int, int]:
    """Return about how many tokens went in and out, at four characters each."""
    return len(orjson.dumps(body)) // 4, len(reply) // 4
