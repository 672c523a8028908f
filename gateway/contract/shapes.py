"""The contract as JSON Schemas (draft 7)."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, Literal


@cache
def schema_of(document: Literal["input", "decision", "settings"]) -> dict[str, Any]:
    """Return the schema that is shipped for a document; not for changing."""
    file = resources.files("gateway.contract").joinpath(f"schemas/{document}.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema
