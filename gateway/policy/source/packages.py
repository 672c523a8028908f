"""The package of each Rego file, and where verdicts may stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ConfigError
from gateway.policy.source.faults import noted

# The package must stand alone on its line: then no engine can read another one than we do.
_PACKAGE = re.compile(r"package[ \t]+([a-z_][a-z0-9_]*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)[ \t]*(?:#.*)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")
# main.rego reads `regate.rules.<topic>`, nothing deeper or beside it: a rule elsewhere would have no effect.
_ALLOWED = re.compile(r"regate|regate\.rules\.[a-zA-Z_]\w*|regate\.lib\.[a-zA-Z_][\w.]*")
_TOPIC = re.compile(r"regate\.rules\.")
_VERDICTS = re.compile(r"^verdicts\s+contains\b", re.MULTILINE)


def check_packages(root: Path, modules: Mapping[str, str], faults: list[ConfigError]) -> dict[str, str]:
    """Return the package of each module that has a valid one."""
    packages: dict[str, str] = {}
    for name, text in modules.items():
        with noted(faults):
            packages[name] = _allowed_package(root / name, text)
    for package in dict.fromkeys(packages.values()):
        names = [name for name in packages if packages[name] == package]
        speaking = [name for name in names if _VERDICTS.search(modules[name])]
        if speaking and not _TOPIC.match(package):
            faults.append(
                ConfigError(
                    f"{root / speaking[0]}:1: package {package} has verdicts, which have no effect there; "
                    "expected package regate.rules.<topic>"
                )
            )
        if _TOPIC.match(package) and not speaking:
            faults.append(
                ConfigError(
                    f"{root / names[0]}:1: package {package} has no verdicts; "
                    "expected a rule that starts with: verdicts contains"
                )
            )
    return packages


def _allowed_package(path: Path, text: str) -> str:
    package, line = _package(path, text)
    if not _ALLOWED.fullmatch(package):
        raise ConfigError(
            f"{path}:{line}: found package {package}; "
            "expected regate.rules.<topic>, regate.lib.<name> or regate itself"
        )
    return package


def _package(path: Path, text: str) -> tuple[str, int]:
    """Return the module's package and its line: the first thing in the file that is no comment."""
    control = _CONTROL.search(text.replace("\r\n", "\n"))
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise ConfigError(f"{path}:{line}: found the control character {control.group()!r}")
    number = 0
    for number, line_text in enumerate(text.split("\n"), 1):
        stripped = line_text.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        match = _PACKAGE.fullmatch(stripped)
        if match:
            return match.group(1), number
        break
    raise ConfigError(f"{path}:{number}: expected a package declaration on a line of its own")
