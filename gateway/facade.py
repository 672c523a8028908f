"""Lets a package offer names of its modules without loading them: each is imported when it is first used.

    if TYPE_CHECKING:
        from gateway.audit.journal.journal import Journal
    else:
        __getattr__ = on_demand(__name__)

The imports are written once, for readers, mypy and this. So a command or a child process loads what it uses.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import get_data
from typing import Any


def on_demand(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package: it imports the names that stand under `if TYPE_CHECKING`."""

    def imported(name: str) -> Any:
        if (place := _places(package).get(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = place
        value = getattr(import_module(module), attribute)
        setattr(sys.modules[package], name, value)  # the next use finds it there
        return value

    return imported


@cache
def _places(package: str) -> dict[str, tuple[str, str]]:
    """Return the module of each name that the package's own text imports, and its name there."""
    text = get_data(package, "__init__.py")
    assert text is not None
    blocks = [block for block in ast.parse(text).body if isinstance(block, ast.If)]
    imports = [said for block in blocks for said in block.body if isinstance(said, ast.ImportFrom)]
    named = [(alias, said.module or "") for said in imports for alias in said.names]
    return {alias.asname or alias.name: (module, alias.name) for alias, module in named}
