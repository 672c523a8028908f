"""What Python code calls: its syntax is read, nothing is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from cli.scan.clients import HOST, PYTHON, Client

_BEDROCK = Client("bedrock", "boto3", ("client",), ("endpoint_url",))


class NotPython(ValueError):
    """The text is no Python that this Python reads."""


def python_hosts(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the hosts of providers in strings but docstrings, with their lines. Raises NotPython."""
    tree = _parsed(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from ((node.lineno, host) for host in HOST.finditer(node.value))


def python_clients(text: str) -> Iterator[tuple[int, Client, str]]:
    """Yield the clients that are made without an address: line, client, its name. Raises NotPython."""
    tree = _parsed(text)
    names = _imported(tree)
    is_moved = any(
        isinstance(node, ast.Assign) and _dotted(target, names) in ("openai.base_url", "openai.api_base")
        for node in ast.walk(tree)
        for target in getattr(node, "targets", ())
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            package, _, called = _dotted(node.func, names).rpartition(".")
            for client in PYTHON:
                moved = _is_moved(node, client) if client.moved_by else is_moved
                if called in client.names and _is_in(package, client.package) and not moved:
                    yield node.lineno, client, called
            if _is_aws(node) and not _is_moved(node, _BEDROCK):
                yield node.lineno, _BEDROCK, _BEDROCK.names[0]


def _is_aws(call: ast.Call) -> bool:
    """Return whether this is `client("bedrock-runtime")`, of whatever session."""
    first = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "service_name")]
    is_named = any(isinstance(one, ast.Constant) and one.value == "bedrock-runtime" for one in first)
    return isinstance(call.func, ast.Attribute) and call.func.attr in _BEDROCK.names and is_named


def _parsed(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):  # of the code that is read, for its authors
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPython from error


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, dotted."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                names[one.asname or first] = one.name if one.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names})
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Return the dotted name of what is called; empty when it is no imported one."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value, names)):
        return f"{base}.{node.attr}"
    return ""


def _is_in(package: str, wanted: str) -> bool:
    return package == wanted or package.startswith(f"{wanted}.")


def _is_moved(call: ast.Call, client: Client) -> bool:
    """Return whether the call says an address."""
    return any(
        word.arg in client.moved_by and not (isinstance(word.value, ast.Constant) and not word.value.value)
        for word in call.keywords
    )
