"""How the built-in demo provider moderates: it flags nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *("self-harm", "self-harm/instructions", "self-harm/intent"),
    *("sexual", "sexual/minors", "violence", "violence/graphic"),
)


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return one result for each text."""
    given = body["input"]
    texts = given if isinstance(given, list) and all(isinstance(one, str) for one in given) else [given]
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
        "category_applied_input_types": dict.fromkeys(_CATEGORIES, ()),
    }
    return {
        "id": f"modr-demo{number}",
        "model": str(body.get("model", "demo")),
        "results": [result for _ in texts],
    }
