"""Rules that name no schema are held against that of the input, too: OPA checks what METADATA asks for."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cli.policy.faults import PolicyFault
from cli.policy.opa import compile_faults
from cli.policy.syntax import Module
from gateway.policy.source import metadata

_SCHEMA = '#   - input: schema["input.schema"]'


@dataclass(frozen=True, slots=True)
class _Typed:
    """A file with the schema added: `added` lines from line `at` on."""

    text: str
    at: int
    added: int


def untyped_faults(
    opa: Path, policy: Path, modules: Sequence[Module], schemas: Path
) -> Iterator[PolicyFault]:
    """Yield what OPA's type checker says of packages that name no schema for `input`. Raises OpaFailed."""
    typed = dict(_typed(modules))
    if not typed:
        return
    with _copy(policy, typed) as copy:
        for fault in compile_faults(opa, [copy], schemas):
            original = policy / Path(fault.file).relative_to(copy) if fault.file else policy
            if original in typed:
                yield replace(fault, file=str(original), line=_line_before(typed[original], fault.line))


def _typed(modules: Sequence[Module]) -> Iterator[tuple[Path, _Typed]]:
    """Yield one file, with the schema added, of each package that names none in any file."""
    texts = {module.path: module.path.read_text("utf-8") for module in modules}
    done = {module.package for module in modules if _names_input(module.path, texts[module.path])}
    for module in modules:
        if module.package not in done:
            done.add(module.package)
            yield module.path, _with_schema(module, texts[module.path])


def _names_input(path: Path, text: str) -> bool:
    abouts = [block.about for block in metadata(path, text, of_package=True) if isinstance(block.about, dict)]
    entries = [entry for about in abouts for entry in about.get("schemas") or [] if isinstance(entry, dict)]
    return any(str(name).partition(".")[0] == "input" for entry in entries for name in entry)


def _with_schema(module: Module, text: str) -> _Typed:
    lines = text.split("\n")
    package = module.package_line - 1
    first = package
    while first and lines[first - 1].startswith("#"):
        first -= 1
    block = [line.removeprefix("#").strip() for line in lines[first:package]]
    if "schemas:" in block:
        at, new = first + block.index("schemas:") + 1, [_SCHEMA]
    elif "METADATA" in block:
        at, new = package, ["# schemas:", _SCHEMA]
    else:
        at, new = package, ["# METADATA", "# schemas:", _SCHEMA]
    return _Typed("\n".join([*lines[:at], *new, *lines[at:]]), at + 1, len(new))


def _line_before(typed: _Typed, line: int) -> int:
    return line - typed.added if line >= typed.at + typed.added else min(line, typed.at)


@contextmanager
def _copy(policy: Path, typed: dict[Path, _Typed]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regate-check-") as folder:
        copy = Path(shutil.copytree(policy, Path(folder, policy.name)))
        for path, each in typed.items():
            (copy / path.relative_to(policy)).write_text(each.text, "utf-8")
        yield copy
