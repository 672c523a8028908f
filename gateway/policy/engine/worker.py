"""The embedded engine's child process: regorus, asked through pipes.

Frames hold JSON. The first frame in is `{"modules", "refused"}`: the names of the modules, and the built-ins
that none may name. A frame with the text of each module follows, then the data and the tables. They are
answered by `{}` or `{"error"}`. Each frame after them is an input, answered by `{"result"}`, `{}` (undefined)
or `{"error"}`. A program of its own, so that it starts quickly and a rule that does not end can be killed.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"  # read when regorus first fails

import regorus  # type: ignore[import-untyped]  # carries no types; reads the setting above

from gateway.processes import read_message, write_message

# What regorus gives for an undefined rule; a decision is an object, never a string.
_UNDEFINED = '"<undefined>"'


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Load the policy of the first frames, then answer until the parent goes."""
    head = json.loads(read_message(requests) or b'{"modules": [], "refused": []}')
    texts = [(read_message(requests) or b"").decode() for _ in head["modules"]]
    data, tables = read_message(requests), read_message(requests)
    if data is None or tables is None:
        return
    engine = regorus.Engine()
    modules = dict(zip(head["modules"], texts, strict=True))
    write_message(
        answers, _load(engine, modules, [data.decode(), tables.decode()], frozenset(head["refused"]))
    )
    while (document := read_message(requests)) is not None:
        write_message(answers, _decide(engine, document.decode()))


def _load(engine: Any, modules: dict[str, str], data: list[str], refused: frozenset[str]) -> bytes:
    try:
        for name, text in modules.items():
            engine.add_policy(name, text)
        for each in data:
            engine.add_data_json(each)
        for name, line in _named(json.loads(engine.get_ast_as_json()), refused):
            return _failure(ValueError(f"--> {line}\nerror: undefined function {name}"))
    except (RuntimeError, ValueError) as error:
        return _failure(error)
    return b"{}"


def _named(modules: list[Any], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Find the first of the names in the syntax tree: return the name, `file:line:column`."""
    for module in modules:
        pending: list[Any] = [module["ast"]]
        while pending:
            node = pending.pop()
            if isinstance(node, dict):
                name = _dotted(node)
                if name in names:
                    span = next(iter(node.values()))["span"]
                    yield name, f"{module['source']['file']}:{span['line']}:{span['col']}"
                pending.extend(node.values())
            elif isinstance(node, list):
                pending.extend(node)


def _dotted(node: dict[str, Any]) -> str:
    """Return the name that a reference spells, `http.send` or `http["send"]`; "" for anything else."""
    if "Var" in node:
        return str(node["Var"]["value"])
    if "RefDot" in node:
        return f"{_dotted(node['RefDot']['refr'])}.{node['RefDot']['field'][1]}"
    if "RefBrack" in node and "String" in node["RefBrack"]["index"]:
        return f"{_dotted(node['RefBrack']['refr'])}.{node['RefBrack']['index']['String']['value']}"
    return ""


def _decide(engine: Any, document: str) -> bytes:
    try:
        engine.set_input_json(document)
        result: str = engine.eval_rule_as_json("data.regate.decision")
    except (RuntimeError, ValueError) as error:
        return _failure(error)
    return b"{}" if result.strip() == _UNDEFINED else b'{"result":' + result.encode() + b"}"


def _failure(error: Exception) -> bytes:
    return json.dumps({"error": str(error).partition("\nStack backtrace:")[0].strip()}).encode()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
