"""What the child processes of the evidence do, in the test's own process: the same code and messages.

For tests that need sealed evidence, or ask it: a child's imports take ten times as long as its work. That the
children start, are confined, and that their end is noticed is tested where they are started.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from gateway.audit.files.folder import Folder
from gateway.audit.reading import sandbox
from gateway.audit.reading.sql import QueryFailed, QueryLimits, QueryRefused


def run(
    program: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> CompletedProcess[bytes]:
    """Run `python … -m module` as `gateway.processes.run` does."""
    module, code, error = importlib.import_module(arguments[-1]), 0, ""
    with pytest.MonkeyPatch.context() as patch, _output() as told:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            module.main()
        except Exception:  # noqa: BLE001 - a child tells any error on its standard error
            code, error = 1, traceback.format_exc()
    return CompletedProcess([str(program), *arguments], code, told.getvalue(), error.encode())


def rows(root: Path, sql: str, parameters: Sequence[Any] = ()) -> list[list[Any]]:
    """Answer as `gateway.audit.reading.sql.query` does. Raises QueryRefused, QueryFailed."""
    folder = Folder(root.resolve())
    folder.prepare()
    request = {"sql": sql, "parameters": list(parameters), "limits": asdict(QueryLimits())}
    with _output() as told:
        sandbox.answer(folder, request, None, None)
    messages = [json.loads(line) for line in told.getvalue().splitlines()]
    match messages[-1]:
        case {"refused": reason}:
            raise QueryRefused(reason)
        case {"failed": reason}:
            raise QueryFailed(reason)
    return messages[1:-1]


@contextmanager
def _output() -> Iterator[io.BytesIO]:
    """Collect what is written to standard output, as bytes."""
    told = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(told, write_through=True)) as wrapper:
        yield told
        wrapper.detach()  # it would close what it wraps
