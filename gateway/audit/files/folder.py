"""The audit folder: which file is where, and the empty files that its readers count on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import orjson

from gateway.audit.files.disk import Disk
from gateway.audit.files.record import COLUMNS
from gateway.errors import ConfigError

_SEGMENT = re.compile(r"([a-z0-9]+)-(\d{6,})")
TOMBSTONE = b'{"tombstone":'
# As a Parquet file's footer spells a column or a field: its length, then its name.
_NAMES = [
    bytes([len(name)]) + name.encode()
    for column, kind in COLUMNS.items()
    for name in (column, *re.findall(r'([a-z_]+)"? [A-Z]', kind))
]


class Folder:
    """Paths under one audit folder, and the disk that it is on."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root.absolute()
        self.disk = disk or Disk()
        self.journal = self.root / "journal"
        self.sealed = self.root / "sealed"
        self.seals = self.root / "seals.ndjson"
        self.checkpoints = self.root / "checkpoints.ndjson"
        self.database = self.root / "audit.duckdb"
        self.checkpoint = self.root / "checkpoint"  # the last root as witnesses cosigned it
        self.anchored = self.root / "anchored.json"
        self.timestamps = self.root / "timestamps.ndjson"  # of roots, by an authority outside
        self.shipping = self.root / "shipping"  # how far each receiver is
        self.rotate = self.root / "rotate"  # its time says since when segments are to be closed
        self.sealer_lock = self.root / "sealer.lock"
        self.no_records = self.sealed / "date=1970-01-01" / "empty.parquet"

    def prepare(self) -> None:
        """Make the files that are missing; write nothing where all are there.

        DuckDB raises on a glob that matches no file, so a segment and a Parquet file without a record are
        always there. The second has every column, which sealed files of an older version may not have.
        Raises ConfigError when the folder cannot be made.
        """
        try:
            for folder in (self.root, self.journal, self.sealed, self.no_records.parent):
                self.disk.make_folder(folder)
            for file in (self.journal / "empty.ndjson", self.seals, self.checkpoints):
                if not file.exists():
                    os.close(self.disk.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
                    self.disk.sync_folder(file.parent)
            if not _has_columns(self.no_records):
                from gateway.audit.files.parquet import (
                    write_empty,
                )  # DuckDB takes 0.15 s to import: once a folder's life

                write_empty(self.no_records, self.disk)
        except OSError as error:
            raise ConfigError(f"{self.root}: the audit folder cannot be prepared: {error}") from error

    def live(self, segment: str) -> Path:
        return self.journal / f"{segment}.ndjson"

    def draft(self, segment: str) -> Path:
        """Return where a sealed file is made: in its folder, under a name that no reader's glob matches."""
        return self.sealed / f"{segment}.aside"

    def live_files(self) -> list[Path]:
        """List every live segment and tombstone in order, without the empty one."""
        return sorted(path for path in self.journal.glob("*.ndjson") if path.name != "empty.ndjson")

    def sealed_files(self) -> list[Path]:
        return sorted(path for path in self.sealed.glob("*/*.parquet") if path != self.no_records)


def segment_name(writer: str, number: int) -> str:
    return f"{writer}-{number:06d}"


def split_segment(segment: str) -> tuple[str, int] | None:
    """Split a segment's name into its writer and its number; return None for any other name."""
    match = _SEGMENT.fullmatch(segment)
    return (match[1], int(match[2])) if match else None


def tombstone(segment: str, visible_at: str) -> bytes:
    """Return the line that replaces a sealed segment; `visible_at` tells readers whether they are late."""
    return orjson.dumps({"tombstone": segment, "visible_at": visible_at}) + b"\n"


def is_tombstone(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(TOMBSTONE)) == TOMBSTONE


def _has_columns(path: Path) -> bool:
    """Return whether the file is whole and of today's columns: a power cut may leave its name alone."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return content.startswith(b"PAR1") and all(name in content for name in _NAMES)
