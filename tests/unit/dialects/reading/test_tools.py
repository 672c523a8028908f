"""One schema has one digest, in whichever API's words a tool is offered."""

import hashlib
import json
from typing import Any

import pytest

from gateway.dialects import read_prompt
from gateway.dialects.reading.tools import read_tool, schema_digest

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["to"],
    "properties": {"to": {"type": "string"}, "größe": {"type": "number", "maximum": 1e3}},
}
DIGEST = hashlib.sha256(
    json.dumps(SCHEMA, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
).hexdigest()
FUNCTION = {"name": "send", "description": "sends", "parameters": SCHEMA}
OFFERED: dict[str, list[dict[str, Any]]] = {
    "openai.chat": [{"type": "function", "function": FUNCTION}],
    "openai.responses": [{"type": "function", **FUNCTION}],
    "anthropic.messages": [{"name": "send", "description": "sends", "input_schema": SCHEMA}],
    "gemini.generate": [{"functionDeclarations": [FUNCTION]}],
    "ollama.chat": [{"type": "function", "function": FUNCTION}],
}


@pytest.mark.parametrize("dialect", OFFERED)
def test_a_schema_has_one_digest_in_every_api(dialect: str) -> None:
    (tool,) = read_prompt(dialect, {"model": "m", "tools": OFFERED[dialect]}).tools
    assert (tool.name, tool.description, tool.schema_digest) == ("send", "sends", DIGEST)


def test_the_order_of_keys_makes_no_difference_and_what_they_say_does() -> None:
    turned = {"parameters": dict(reversed(SCHEMA.items()))}
    assert schema_digest(turned) == DIGEST
    assert schema_digest({"parameters": {**SCHEMA, "required": []}}) != DIGEST


def test_a_schema_in_the_words_of_another_api_hides_none() -> None:
    both = {"parameters": SCHEMA, "input_schema": {"type": "object"}}
    assert schema_digest(both) != DIGEST


def test_a_tool_without_a_schema_has_no_digest() -> None:
    assert read_tool({"name": "web_search"}).schema_digest == ""
    assert read_tool({"name": "x", "parameters": {}}).schema_digest == ""


def test_a_number_of_any_size_has_a_digest() -> None:
    assert len(schema_digest({"parameters": {"maximum": 2**70}})) == 64
