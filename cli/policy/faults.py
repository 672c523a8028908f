"""What is wrong with a policy file: where, what, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?P<said>.*)", re.DOTALL)
_UNPLACED = re.compile(r"(?P<file>/[^:]+): (?P<said>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class PolicyFault:
    """One fault. `line` is 0 where it is about the whole file or folder."""

    file: str
    line: int
    what: str
    todo: str = ""

    @property
    def said(self) -> str:
        """What is wrong and what to do, without the place."""
        return self.what + (f"; {self.todo}" if self.todo else "")

    def __str__(self) -> str:
        return f"{f'{self.file}:{self.line}' if self.line else self.file}: {self.said}"


def fault_of(error: Exception, file: str) -> PolicyFault:
    """Return the fault that an error's message describes; about `file` where the message names none."""
    found = _PLACED.fullmatch(str(error)) or _UNPLACED.fullmatch(str(error))
    if found is None:
        return PolicyFault(file, 0, str(error))
    what, _, todo = found["said"].partition("; ")
    return PolicyFault(found["file"], int(found.groupdict().get("line") or 0), what, todo)
