"""One tool as a body describes it, and the digest of its arguments' shape, in the words of every API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.reading.scalars import mapping, string
from gateway.words import Tool

_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema")


def read_tool(said: Mapping[str, Any], name: str = "", description: str = "") -> Tool:
    """Return the tool that an object describes; `name` and `description` where the API has its own words."""
    about = description or string(said, "description")
    return Tool(name or string(said, "name"), about, schema_digest=schema_digest(said))


def schema_digest(said: Mapping[str, Any]) -> str:
    """Return the digest of the shape of a tool's arguments, "" without one.

    It is the SHA-256, in hex, of the schema as JSON: keys sorted, no white space, UTF-8. So the same schema
    has the same digest in every API. Of a tool that has several, in the words of several APIs, all count.
    """
    schema = tool_schema(said)
    if not schema:
        return ""
    try:
        written = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers of more than 64 bits
        written = json.dumps(schema, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    return hashlib.sha256(written).hexdigest()


def tool_schema(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a tool's arguments, {} without one; of several, all by the names of their keys."""
    found = {key: value for key in _SCHEMAS if (value := mapping(said, key))}
    return found if len(found) != 1 else next(iter(found.values()))
