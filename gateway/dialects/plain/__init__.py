"""Bodies that no other dialect knows: `json`, its `lines`, forms (`form`), the rest (`opaque`), and `none`.

The answer to any of them may be JSON or JSON lines: then it is read like other JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.dialects.dialect import Dialect
from gateway.dialects.plain.bodies import read_completion, read_fields, read_form, read_nothing, read_prompt
from gateway.words import Prompt

__all__ = ["FORM", "JSON", "LINES", "NONE", "OPAQUE", "read_fields"]


def _plain(name: str, read: Callable[[Any], Prompt] = read_nothing) -> Dialect:
    return Dialect(name, read, read_completion, read_line=read_completion, read_form=read_form)


JSON = _plain("json", read_prompt)
LINES = _plain("lines", read_prompt)
FORM = _plain("form")
OPAQUE = _plain("opaque")
NONE = _plain("none")
