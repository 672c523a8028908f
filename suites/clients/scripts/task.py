"""What every client is told and given: the gateway, a key, the task, and a tool that writes a note."""

import os
from pathlib import Path

GATEWAY, KEY, TASK = os.environ["GATEWAY"], os.environ["KEY"], os.environ["TASK"]


def note(address: str, number: str) -> str:
    """Write a note of an address and a number."""
    Path("note.txt").write_text(f"{address} {number}\n")
    return f"noted {address} and {number}"


PARAMETERS = {
    "type": "object",
    "properties": {"address": {"type": "string"}, "number": {"type": "string"}},
    "required": ["address", "number"],
    "additionalProperties": False,
}
FUNCTION = {"name": "note", "description": note.__doc__, "parameters": PARAMETERS}
