"""A mock of an API made of the types of its Python SDK, for where its OpenAPI file cannot be had.

    python typed_mock.py PACKAGE PORT

It runs under the Python that the SDK is installed for, and needs nothing else. Each call in the SDK's
`resources` names a method, a path and the type that the answer has; the answer is made of that type, with one
item in each list. What a request says is not looked at.
"""

from __future__ import annotations

import ast
import contextlib
import datetime
import http.server
import importlib
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CALLS = {f"_{method}": method.upper() for method in ("get", "post", "put", "patch", "delete")}
_DEEP = 12  # types in one another; at this depth an optional one is left out
_PLAIN: dict[Any, Any] = {str: "string", int: 1, float: 1.5, bool: True, datetime.date: "2026-11-28"}

Answers = dict[tuple[str, str], Any]
"""The type of an answer by method and path, with `{}` for what differs in a path."""


def read_answers(package: str) -> Answers:
    """Return the answers of every endpoint that the SDK of this name calls."""
    found: Answers = {}
    root = Path(str(importlib.import_module(package).__file__)).parent
    for file in sorted(root.glob("resources/**/*.py")):
        name = ".".join((package, *file.relative_to(root).with_suffix("").parts))
        module = importlib.import_module(name.removesuffix(".__init__"))
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found |= dict(_of_call(node, node.func.attr, vars(module)))
    return found


def _of_call(node: ast.Call, called: str, names: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    said = {one.arg: one.value for one in node.keywords}
    answer = said.get("page") or said.get("cast_to")
    if (called not in _CALLS and called != "_get_api_list") or answer is None or not node.args:
        return
    path = next((one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)), "")
    method = ast.literal_eval(said["method"]).upper() if "method" in said else "GET"
    if isinstance(answer, ast.Call):  # cast(what a caller parses it to, what it is)
        answer = answer.args[-1]
    made = eval(compile(ast.Expression(answer), "", "eval"), names)
    yield (_CALLS.get(called, method), re.sub(r"\{[^}]*\}", "{}", path)), made


def example(kind: Any, depth: int = 0) -> Any:
    """Return a value of a type, as JSON."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return arguments[0]
    if origin is typing.Annotated:
        return example(arguments[0], depth)
    if origin in (typing.Union, types.UnionType):
        told = [one for one in arguments if one is not type(None)]
        return None if depth > _DEEP and len(told) < len(arguments) else example(told[0], depth)
    if origin in (list, typing.Iterable):
        return [] if depth > _DEEP else [example(arguments[0], depth + 1)]
    if origin is dict:
        return {"foo": example(arguments[1], depth + 1)}
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is datetime.datetime:
        return "2026-11-28T06:00:00Z"
    if isinstance(kind, typing.TypeAliasType if sys.version_info >= (3, 12) else ()):
        return example(kind.__value__, depth)
    fields = getattr(kind, "model_fields", None)
    if fields is None:
        return {}
    return {
        field.alias or name: example(field.annotation, depth + 1)
        for name, field in fields.items()
        if field.is_required() or depth <= _DEEP
    }


def answer_of(answers: Answers, method: str, target: str) -> tuple[str, bytes] | None:
    """Return media type and body of the answer to a request, None where no endpoint is called so."""
    path, _, query = target.partition("?")
    beta = "?beta=true" if "beta=true" in query.split("&") else ""
    for ending in (beta, ""):
        for (known, template), kind in answers.items():
            parts = [re.escape(part) for part in template.removesuffix(ending).split("{}")]
            if known == method and template.endswith(ending) and re.fullmatch("[^/]+".join(parts), path):
                return _body(kind)
    return None


def _body(kind: Any) -> tuple[str, bytes]:
    name = getattr(kind, "__name__", "")
    if name.endswith("BinaryAPIResponse"):
        return "application/binary", b"\x89PNG\r\n\x1a\n"
    if "JSONLDecoder" in str(kind):
        line = example(typing.get_args(kind)[0])
        return "application/x-jsonl", json.dumps(line).encode() + b"\n"
    return "application/json", json.dumps(example(kind)).encode()


class TypedMock(http.server.BaseHTTPRequestHandler):
    """Answers for the API."""

    protocol_version = "HTTP/1.1"
    answers: Answers

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that is done resets what it kept open
            super().handle()

    def _answer(self) -> None:
        self._read_body()
        found = answer_of(self.answers, self.command, self.path)
        status = 200 if found else 404
        media_type, body = found or ("application/json", b'{"type": "error", "error": {"type": "not_found"}}')
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _read_body(self) -> None:
        if self.headers.get("transfer-encoding") != "chunked":
            self.rfile.read(int(self.headers.get("content-length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        self.rfile.readline()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until ended."""
    TypedMock.answers = read_answers(sys.argv[1])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), TypedMock).serve_forever()


if __name__ == "__main__":
    main()
