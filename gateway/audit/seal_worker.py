"""The sealer's child process: turns closed segments into proved Parquet files, one line of output each.

python -m gateway.audit.seal_worker AUDIT_FOLDER SEGMENT…
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson

from gateway.audit import parquet
from gateway.audit.folder import Folder
from gateway.audit.record import BrokenLine, Link, check


def main(root: Path, segments: list[str]) -> None:
    """Write `sealed/<segment>.aside` for each segment and print what it holds, or why it cannot be sealed."""
    folder = Folder(root)
    for segment in segments:
        try:
            report = _write(folder.live(segment), folder.aside(segment))
        except (BrokenLine, duckdb.Error, OSError) as error:
            report = {"error": str(error)}
        sys.stdout.buffer.write(orjson.dumps({"segment": segment, **report}) + b"\n")
        sys.stdout.buffer.flush()


def _write(live: Path, path: Path) -> dict[str, Any]:
    first, last = _prove(live)
    path.unlink(missing_ok=True)
    parquet.write_segment(live, path)
    digest = hashlib.sha256()
    for line in parquet.lines(path):
        digest.update(line + b"\n")
    live_sha256 = parquet.file_sha256(live)
    if digest.hexdigest() != live_sha256 or parquet.has_gaps(path):
        raise BrokenLine("the Parquet file does not hold what the segment holds")
    return {
        "writer": last.writer,
        "first_seq": first.seq,
        "last_seq": last.seq,
        "hash": last.hash,
        "date": first.recorded_at[:10],
        "live_sha256": live_sha256,
        "parquet_sha256": parquet.file_sha256(path),
    }


def _prove(live: Path) -> tuple[Link, Link]:
    """The segment's first and last link. Raises BrokenLine: what is broken stays as it is."""
    first = last = None
    with live.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                raise BrokenLine(f"line {number}: it is torn")
            try:
                link = check(line[:-1])
            except BrokenLine as error:
                raise BrokenLine(f"line {number}: {error}") from error
            if last and (link.seq, link.prev, link.writer) != (last.seq + 1, last.hash, last.writer):
                raise BrokenLine(f"line {number}: it does not follow the line before")
            first, last = first or link, link
    if first is None or last is None:
        raise BrokenLine("it holds no record")
    return first, last


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), sys.argv[2:])
