"""Write `docs/reference/surfaces.md`: what is done at each endpoint, as dialects and shipped settings say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from gateway.dialects import Malformed
from gateway.dialects.dialect import Dialect
from gateway.dialects.registry import DIALECTS

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "reference" / "surfaces.md"
_SETTINGS = _ROOT / "policies" / "rego" / "settings" / "data.yaml"
# One tool call in the words of each vocabulary, as an answer and as a request hold it.
_CALL = {"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
_CALLS: tuple[dict[str, Any], ...] = (
    {"choices": [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [_CALL]}}]},
    {
        "message": {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "t", "arguments": {}}}],
        }
    },
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "c1", "name": "t", "input": {}}],
    },
    {"output": [{"type": "function_call", "call_id": "c1", "name": "t", "arguments": "{}"}]},
    {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "t", "args": {}}}]}}]},
    {"output": {"message": {"content": [{"toolUse": {"toolUseId": "c1", "name": "t", "input": {}}}]}}},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}},
)
_INTRODUCTION = """# Surfaces: what is done at each endpoint

`make docs` writes this page from the dialects and the shipped settings. At every endpoint that takes JSON,
**every string, every object key and every number of seven or more digits is inspected**, in requests and in
answers. What is found can be masked where it is a value, a key or a free number, and is refused where the
provider reads it as syntax. Policy is asked about each request, and about each answer in which something is
found or a tool is called; `record` and `response` of a decision ask for more. Values come back in the text
of answers, and in tool calls as policy says. How each body is read: [dialects](dialects.md).

- **Requests**: globs over the path behind the provider's name.
- **Answers**: the forms that are read. An answer in another form is refused, and so is a stream where none
  is named.
- **Tool calls**: `judged`, they reach policy as `input.tool_calls`; `refused`, for no call belongs there.
- **As shipped**: whether the shipped policy lets the format pass (`endpoints.dialects`).

| dialect | family | requests | answers | tool calls | as shipped |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    allowed = yaml.safe_load(_SETTINGS.read_text("utf-8"))["endpoints"]["dialects"]
    return _INTRODUCTION + "".join(_row(one, one.name in allowed) for one in DIALECTS)


def calls(dialect: Dialect) -> str:
    """Return what becomes of tool calls, as its reader treats one of each vocabulary."""
    read = [_seen(dialect, document) for document in _CALLS]
    said = "judged" if any(read) else "refused" if None in read else "none"
    return f"{said}; judged in files" if any(_is_judged_in_files(dialect, one) for one in _CALLS) else said


def _is_judged_in_files(dialect: Dialect, answer: dict[str, Any]) -> bool:
    """Return whether a call is seen in the answer to a request of a batch, as a line of results holds it."""
    answer = {"object": "chat.completion", **answer}
    for line in ({"response": {"body": answer}}, {"result": {"type": "succeeded", "message": answer}}):
        try:
            if dialect.files and dialect.read_line and dialect.read_line(line).tool_calls:
                return True
        except Malformed:
            continue
    return False


def _seen(dialect: Dialect, document: dict[str, Any]) -> bool | None:
    """Return whether a call is seen in an answer or a request; None when it is refused."""
    refused = False
    for read in (dialect.read_completion, dialect.read_prompt):
        try:
            if getattr(read(document), "tool_calls", ()):
                return True
        except Malformed:
            refused = True
    return None if refused else False


def _row(dialect: Dialect, allowed: bool) -> str:
    family = f"`{dialect.family.name}`" if dialect.family else "any"
    shipped = "passes" if allowed else "models are listed" if dialect.name == "none" else "denied"
    return (
        f"| `{dialect.name}` | {family} | {_listed(_requests(dialect))} | {_listed(_answers(dialect))} "
        f"| {calls(dialect)} | {shipped} |\n"
    )


def _requests(dialect: Dialect) -> Iterable[str]:
    yield from (f"`POST {path}`" for path in dialect.paths)
    yield from (f"`POST {path}` with a form" for path in dialect.forms)
    yield from (f"`{stored}` without a body" for stored in dialect.stored)
    if dialect.family is None:
        others = {
            "json": "all other JSON",
            "form": "all other forms",
            "lines": "all other JSON lines",
            "opaque": "all other bodies",
            "none": "no body",
        }
        yield others[dialect.name]


def _answers(dialect: Dialect) -> Iterable[str]:
    yield "JSON"
    if dialect.new_stream:
        yield "events"
        yield from (f"stream of `{framing.media_type}`" for framing in dialect.framings)
    yield from (f"media `{media}`" for media in dialect.media)
    if not dialect.family:
        yield "files"
    yield from (f"text `{text}`" for text in dialect.texts)
    yield from (f"the file at `{stored}`" for stored in dialect.files)


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
