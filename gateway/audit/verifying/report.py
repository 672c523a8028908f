"""What a verification found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the evidence is not what was written. Numbers are -1 where they do not apply."""

    file: str
    reason: str
    line: int = -1
    writer: str = ""
    seq: int = -1

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line > 0 else self.file
        record = f" record {self.writer}:{self.seq}:" if self.seq >= 0 else ""
        return f"{place}:{record} {self.reason}"


@dataclass(slots=True)
class Verification:
    """What was proved. `unsigned` counts records that a writer is at, behind its last signed batch,
    `witnessed` the witnesses that cosigned the newest checkpoint, `timestamps` when an authority saw roots,
    `dropped` those of files that retention took away; `removed` says what went by order, and when."""

    records: int = 0
    dropped: int = 0
    segments: int = 0
    chains: int = 0
    unsigned: int = 0
    heads: int = 0
    roots: int = 0
    anchored: int = 0
    witnessed: int = 0
    timestamps: list[str] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.breaks

    def document(self) -> dict[str, object]:
        return {"intact": self.intact, **asdict(self)}


class Breaks:
    """Adds breaks to a verification; files are named from the audit folder."""

    def __init__(self, root: Path, found: Verification) -> None:
        self._root = root
        self._found = found

    def add(self, file: Path, reason: str, line: int = -1, writer: str = "", seq: int = -1) -> None:
        name = str(file.relative_to(self._root)) if file.is_relative_to(self._root) else str(file)
        self._found.breaks.append(Break(name, reason, line, writer, seq))

    def teller(self, file: Path) -> Callable[[str, int], None]:
        """Return what adds a break by its reason and its line in this file."""
        return lambda reason, line: self.add(file, reason, line)
