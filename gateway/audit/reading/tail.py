"""Follows the live segments: new whole lines, as they are written, from every writer."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gateway.audit.files.folder import TOMBSTONE, Folder
from gateway.audit.files.signed_log import line_end


class Tail:
    """Reads what was appended since the last call; begins at the present end of every segment.

    A segment is a tombstone a minute after it was sealed at the earliest: a caller that reads at longer
    intervals has to ask the sealed segments for what it missed.
    """

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)
        self._offsets: dict[str, int] = {}
        for path in self._folder.live_files():
            with suppress(FileNotFoundError), path.open("rb") as file:
                self._offsets[path.name] = line_end(file.fileno(), os.fstat(file.fileno()).st_size)

    def read(self) -> list[bytes]:
        """New lines without their newlines, in each writer's own order."""
        return [line for path in self._folder.live_files() for line in self._read_new(path)]

    def _read_new(self, path: Path) -> list[bytes]:
        """Read a segment by one descriptor: a tombstone may take the file's place at any time, and go."""
        offset = self._offsets.get(path.name, 0)
        with suppress(FileNotFoundError), path.open("rb") as file:
            if os.fstat(file.fileno()).st_size <= offset or file.read(len(TOMBSTONE)) == TOMBSTONE:
                return []
            file.seek(offset)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offsets[path.name] = offset + len(whole)
            return whole.split(b"\n")[:-1]
        return []
