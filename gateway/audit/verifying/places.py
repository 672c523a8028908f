"""Where each segment's records are, in a live file or in part of a sealed one, and what was found there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder, split_segment
from gateway.audit.files.key_ring import KeysInForce, Tell
from gateway.audit.files.log_lines import Seal, SealedSegment, SealLine
from gateway.audit.sealing.removal import Removals, read_removals
from gateway.audit.verifying.log import Heads, signed_lines
from gateway.audit.verifying.pool import TaskPool
from gateway.audit.verifying.segment import Found, Task, prove_file


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment's records are: a file, and there from one line to another; 0 is the end."""

    segment: str
    task: Task
    first: int = 1
    last: int = 0
    sealed: SealedSegment | None = None
    dropped: bool = False


class ReadSeals:
    """The lines of `seals.ndjson` whose signatures hold, and where they say that records are."""

    def __init__(self, folder: Folder, pool: TaskPool) -> None:
        self._folder = folder
        self._pool = pool
        self.lines: list[SealLine] = []
        self.seals: list[Seal] = []
        self.removals = Removals()

    def read(self, keys: KeysInForce, tell: Tell) -> None:
        """Read the log anew."""
        documents = signed_lines(signed_log.lines(self._folder.seals), keys.seals, tell, self._pool)
        self.lines = [cast(SealLine, document) for document in documents if document]
        self.seals = [line for line in self.lines if line["kind"] == "seal"]
        self.removals = read_removals(self.lines)

    def places(self) -> Iterator[Place]:
        for seal in self.seals:
            path = seal["path"]
            *_, sha256 = self.removals.erased.get(path, (seal["parquet_sha256"],))
            task = Task(self._folder.root, self._folder.root / path, sha256, path in self.removals.erased)
            first = 1
            for each in seal["segments"]:
                last = first + each["last_seq"] - each["first_seq"]
                yield Place(each["segment"], task, first, last, each, path in self.removals.dropped)
                first = last + 1


def live_place(folder: Folder, path: Path, heads: Heads) -> Place:
    """Return the place of a live segment, with what its writer signs batches with."""
    writer, _ = split_segment(path.stem) or ("", 0)
    birth, keys = heads.births.get(writer, ("", ()))
    return Place(path.stem, Task(folder.root, path, birth=birth, keys=keys))


class Results:
    """What the files hold: each is proved once, in the order of first use, and kept while it is needed."""

    def __init__(self, pool: TaskPool, places: Sequence[Place], progress: Callable[[int], None]) -> None:
        self._uses = Counter(place.task for place in places if not place.dropped)
        self._proved = pool.map(prove_file, self._uses)
        self._found: dict[Task, Found] = {}
        self._progress = progress

    def of(self, task: Task) -> Found:
        """Return what was found in a file, and keep it for as long as another segment is in the file."""
        if task not in self._found:
            self._found[task] = next(self._proved)
            self._progress(task.path.stat().st_size if task.path.exists() else 0)
        self._uses[task] -= 1
        return self._found[task] if self._uses[task] else self._found.pop(task)
