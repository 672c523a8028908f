"""METADATA, the YAML in comments that says what a package or a rule is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from gateway.config import strict_yaml
from gateway.errors import ConfigError

_COMMENT = re.compile(r"#[ \t]?(.*)")


@dataclass(frozen=True, slots=True)
class Block:
    """One block, in the file from `line` on, and the code that it describes, up to the next block."""

    line: int
    about: Any
    code: str

    def custom(self, key: str, default: Any = "") -> Any:
        """Return what `custom` says under the key."""
        return (self.about.get("custom") or {}).get(key, default)


def metadata(path: Path, text: str, *, of_package: bool = False) -> Iterator[Block]:
    """Yield the blocks of a file in their order, or only those above its package declaration.

    Raises ConfigError on one that is not plain YAML.
    """
    lines = text.split("\n")
    comments = [_COMMENT.fullmatch(line.strip()) for line in lines]
    code = (number for number, line in enumerate(lines) if line.strip() and comments[number] is None)
    until = next(code, len(lines)) if of_package else len(lines)
    starts = [number for number, found in enumerate(comments) if found and found[1].strip() == "METADATA"]
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        if start >= until:
            return
        block = [found[1] for found in takewhile(bool, comments[start + 1 : end]) if found]
        about = _parsed(path, start + 1, "\n".join(["", *block]))
        yield Block(start + 1, about, "\n".join(lines[start + 1 + len(block) : end]))


def _parsed(path: Path, first: int, block: str) -> Any:
    try:
        return strict_yaml(block)
    except yaml.MarkedYAMLError as error:
        line = first + (error.problem_mark.line if error.problem_mark else 0)
        raise ConfigError(
            f"{path}:{first}: METADATA is not valid YAML: {error.problem} in line {line}"
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}:{first}: METADATA cannot be read: {error}") from error
