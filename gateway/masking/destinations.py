"""Where a value may come back to: into text, into which tool, into which of its arguments.

Example: a mask with `restore_to: [text, send_invoice.address]`. The value comes back in the completion's text
and in the argument `address` of the tool `send_invoice`, with all that stands below it. In
`send_invoice.note` and in every other tool its placeholder stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from fnmatch import fnmatchcase
from typing import Any

import regex

from gateway.masking.json_strings import decoded_literal
from gateway.words import ToolCall

Destination = tuple[str, ...]
"""A tool and the keys that lead to a value in its arguments; of a text there are none."""
TEXT: Destination = ()
_TEXT, _TOOLS = "text", "tools"
_STEP = regex.compile(r"\.(?!\])")
_TOKEN = regex.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],]', regex.DOTALL)
_COLON = regex.compile(r"\s*+:")


def admits(allowed: Set[str] | None, destination: Destination) -> bool:
    """Return whether a value with these places to go to may go there; None is all of them."""
    if allowed is None:
        return True
    if destination == TEXT:
        return _TEXT in allowed
    return _TOOLS in allowed or any(_leads_to(place_steps(place), destination) for place in allowed - {_TEXT})


def place_steps(place: str) -> list[str]:
    """Return the globs that a place in `restore_to` has for a tool's name and for each key below it.

    A dot parts them; one in a tool's own name is written `[.]`, as globs write it.
    """
    return _STEP.split(place)


def _leads_to(globs: list[str], destination: Destination) -> bool:
    """Return whether the globs hold for the tool's name and the first keys, one for one.

    Names are not joined to compare them: a foreign server names its tools, and the model writes the keys, so
    a dot in one of them must not look like a step.
    """
    return len(globs) <= len(destination) and all(map(fnmatchcase, destination, globs))


def destinations(call: ToolCall, pointer: str) -> list[Destination]:
    """Return where in the call's arguments a pointer into the body may lead.

    It says where the arguments stand, too, and a model may call an argument like something above them. So
    there may be several, and a value goes where all of them are allowed.
    """
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    found = [steps[at:] for at in range(len(steps)) if _leads(call.arguments, steps[at:])]
    return [(call.name, *path) for path in found] or [(call.name,)]


def _leads(value: Any, steps: list[str]) -> bool:
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    return True


def string_paths(text: str) -> Iterator[tuple[int, Destination]]:
    """Yield where each string of a JSON text begins, and the keys that lead to it; a key leads to itself."""
    keys: list[str | None] = []  # of each object that is open; None of a list
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign in "{[":
            keys.append("" if sign == "{" else None)
        elif sign in "}]":
            keys = keys[:-1]
        elif sign != ",":
            if keys and keys[-1] is not None and _COLON.match(text, token.end()):
                keys[-1] = decoded_literal(sign) or ""
            yield token.start(), tuple(key for key in keys if key is not None)
