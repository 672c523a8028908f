"""Token probabilities, which repeat a text in pieces."""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.leaves import ASSISTANT, Label, Walk


def read_tokens(walk: Walk, tokens: Any, at: str, label: Label) -> None:
    """Read tokens joined: one by one they are pieces of text, in which no detector finds anything.

    A finding there cannot be masked piece by piece, so the joined text is structural.
    """
    if not isinstance(tokens, list) or not all(
        isinstance(token, dict) and isinstance(token.get("token"), str) for token in tokens
    ):
        walk.free(tokens, at, label)
        return
    walk.text("".join(token["token"] for token in tokens), at, ASSISTANT, "structural")
    for index, token in enumerate(tokens):
        rest = {name: item for name, item in token.items() if name != "token"}
        walk.counted(rest, f"{at}/{index}", label)
