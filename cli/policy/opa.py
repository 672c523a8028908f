"""OPA's own commands, run for the policy author."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from cli.policy.faults import PolicyFault
from gateway.errors import RegateError
from gateway.policy.engine import REFUSED, WHY, offline, restricted
from gateway.policy.source import Tables
from gateway.processes import passed_on, run

SECONDS = 60.0
# A command that ends at once need not collect its garbage so often: a fifth of its processor time.
_GO = {"GOGC": "400"}
NOT_HIDDEN = "--ignore=.*"  # hidden files are editors' and git's


class OpaFailed(RegateError):
    """OPA did not end in time, or said something that is no answer."""


@dataclass(frozen=True, slots=True)
class OpaRun:
    """The outcome of a run of opa."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """Return what it printed as JSON, errors on stderr included. Raises OpaFailed."""
        try:
            return json.loads(self.out.strip() or self.err)
        except ValueError as error:
            said = (self.err or self.out).strip()
            raise OpaFailed(f"opa ended with {self.code}: {said[:2000] or 'without a word'}") from error


def run_opa(opa: Path, *arguments: str | Path, stdin: str = "", seconds: float = SECONDS) -> OpaRun:
    """OpaRun opa to its end. Raises OpaFailed after `seconds`; it is killed then."""
    try:
        ended = run(opa, *arguments, stdin=stdin.encode(), seconds=seconds, env=passed_on() | _GO)
        return OpaRun(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
    except TimeoutExpired as error:
        raise OpaFailed(
            f"opa {arguments[0]} did not end within {seconds:g} s and was stopped; a rule or test may loop"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise OpaFailed(f"{opa}: cannot be run: {error}") from error


@contextmanager
def capabilities(opa: Path, less: Callable[[str], str] = restricted) -> Iterator[Path]:
    """Write a file for `--capabilities`, without the built-ins that policy may not use.

    Raises OpaFailed, PolicyUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="regate-opa-") as folder:
        file = Path(folder) / "capabilities.json"
        file.write_text(less(run_opa(opa, "capabilities", "--current").out), "utf-8")
        yield file


@contextmanager
def beside(tables: Tables) -> Iterator[list[str]]:
    """Write the tables into a file, and yield the options that have OPA read it beside the policy."""
    with tempfile.TemporaryDirectory(prefix="regate-tables-") as folder:
        file = Path(folder) / "tables.json"
        file.write_bytes(tables.document)
        yield ["--data", str(file)]


def compile_faults(opa: Path, folders: Sequence[Path], schemas: Path) -> list[PolicyFault]:
    """Return what OPA's strict compiler says of the Rego files, types by schema included."""
    strict = ("check", "--strict", NOT_HIDDEN, "--format=json", "--max-errors=0", "--schema", schemas)
    with capabilities(opa, offline) as known:
        run = run_opa(opa, *strict, "--capabilities", known, *folders)
    if not run.code:
        return []
    errors = run.document().get("errors") or []
    faults = {_fault(error) for error in errors}
    # OPA says one syntax error in up to three ways; the longest tells most
    told: dict[tuple[str, int], PolicyFault] = {}
    for fault in sorted(faults, key=lambda each: len(each.what)):
        told[fault.file, fault.line] = fault
    return (
        sorted(told.values()) if any(e.get("code") == "rego_parse_error" for e in errors) else sorted(faults)
    )


def unformatted(opa: Path, files: Sequence[Path]) -> list[PolicyFault]:
    """Return the files that are not in OPA's one format."""
    if not files:
        return []
    listed = run_opa(opa, "fmt", "--list", *files)
    if listed.code:
        raise OpaFailed(f"opa fmt: {listed.err.strip()}")
    return [
        PolicyFault(name, 1, "not in OPA's format", "run regate policy fmt")
        for name in listed.out.splitlines()
    ]


def _fault(error: dict[str, Any]) -> PolicyFault:
    location = error.get("location") or {}
    message = str(error.get("message", ""))
    details = error.get("details") or {}
    return PolicyFault(
        str(location.get("file", "")),
        int(location.get("row", 0)),
        message,
        _todo(str(error.get("code", "")), message, details if isinstance(details, dict) else {}),
    )


def _todo(code: str, message: str, details: dict[str, Any]) -> str:
    if known := details.get("oneOf"):
        return f"expected one of {', '.join(str(name) for name in known)}"
    if message.removeprefix("undefined function ") in REFUSED:
        return WHY
    if message.startswith("undefined function"):
        return "define it, import the package that does, or take a built-in of OPA"
    if "remote reference loading disabled" in message:
        return "write the schema out: no host is asked"
    if "unused" in message:
        return "remove it, or write _"
    return {
        "rego_parse_error": "expected Rego v1",
        "rego_unsafe_var_error": "give it a value in a positive expression, or import what it names",
        "rego_recursion_error": "break the circle",
        "rego_type_error": "see the contract in docs/reference/policy.md",
    }.get(code, "see the contract in docs/reference/policy.md")
