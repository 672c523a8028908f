"""What was meant by a name or a value that a schema does not take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, cast

from jsonschema.exceptions import ValidationError

from gateway.policy.source.formats import expected


def closest(name: str, known: Collection[str]) -> str:
    """Return the name that was meant, "" when none is near."""
    folded = {each.casefold(): each for each in known}
    return next((folded[each] for each in get_close_matches(name.casefold(), folded, n=1)), "")


def hint(fault: ValidationError) -> str:
    """Return what a key was meant to be, or what a value looks like; "" where that is not known."""
    if fault.validator == "format":
        return f"expected {told}" if (told := expected(str(fault.validator_value))) else ""
    if fault.validator == "pattern" and isinstance(fault.schema, Mapping) and "examples" in fault.schema:
        return f"expected it as in {fault.schema['examples'][0]}"
    if fault.validator != "additionalProperties" or not isinstance(fault.schema, Mapping):
        return ""
    known, found = fault.schema.get("properties", {}), cast("Mapping[str, Any]", fault.instance)
    close = [meant for name in found if name not in known and (meant := closest(str(name), known))]
    if close:
        return f"did you mean {', '.join(close)}?"
    return f"expected {', '.join(known)}" if known else ""
