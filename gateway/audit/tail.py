"""Follows the live segments: new whole lines, as they are written, from every writer."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.folder import Folder, is_tombstone
from gateway.audit.signed_log import line_end


class Tail:
    """Reads what was appended since the last call; begins at the present end of every segment."""

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)
        self._offsets: dict[str, int] = {}
        for path in self._folder.live_files():
            with path.open("rb") as file:
                self._offsets[path.name] = line_end(file.fileno(), path.stat().st_size)

    def read(self) -> list[bytes]:
        """New lines without their newlines, in each writer's own order."""
        return [line for path in self._folder.live_files() for line in self._read_new(path)]

    def _read_new(self, path: Path) -> list[bytes]:
        offset = self._offsets.get(path.name, 0)
        if path.stat().st_size <= offset or is_tombstone(path):
            return []
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offsets[path.name] = offset + len(whole)
        return whole.split(b"\n")[:-1]
