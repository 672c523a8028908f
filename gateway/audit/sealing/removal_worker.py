"""The remover's child process: writes one sealed file anew without the bodies that orders erase.

    python removal_worker.py < request

Answers with one JSON object: how many bodies went, and the SHA-256 of the file made, if any did.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import orjson

from gateway.audit.files import parquet
from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder
from gateway.audit.files.line import check_either, is_withheld, withhold
from gateway.audit.sealing.removal import ERASED_KINDS, Order, RewriteRequest, Rewritten, anew


def write_anew(folder: Folder, path: Path, orders: Sequence[Order]) -> Rewritten:
    """Leave out the bodies of what the orders name. Raises OSError, duckdb.Error, BrokenLine."""
    lines = folder.sealed / f"{path.stem}.lines"
    made = folder.sealed / f"{path.stem}.made"
    bodies = 0
    try:
        with os.fdopen(folder.disk.open(lines, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            for line in parquet.lines(path):
                if _goes(line, orders):
                    line, bodies = withhold(line), bodies + 1
                file.write(line + b"\n")
        if not bodies:
            return Rewritten()
        parquet.write_segments([lines], made, folder.disk)
        for before, after in zip(parquet.lines(path), parquet.lines(made), strict=True):
            _check_same(before, after)
        sha256 = file_sha256(made)
        folder.disk.rename(made, anew(folder, path, sha256))
        folder.disk.sync_folder(folder.sealed)
        return Rewritten(bodies, sha256)
    finally:
        lines.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


def _goes(line: bytes, orders: Sequence[Order]) -> bool:
    if is_withheld(line):
        return False
    record = orjson.loads(line)
    if record["kind"] not in ERASED_KINDS and "summary" not in record["body"]:
        return False
    return any(
        (record["session_id"] == order.session if order.session else record["agent"] == order.agent)
        and record["recorded_at"] <= order.before
        for order in orders
    )


def _check_same(before: bytes, after: bytes) -> None:
    """Raise OSError unless the record's place in the chain is the same with and without its body."""
    link = check_either(before)
    if check_either(after) != link:
        raise OSError(f"record {link.writer}:{link.seq} was written differently")


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=RewriteRequest)
    folder = Folder(Path(request.root))
    made = write_anew(folder, folder.root / request.path, request.orders)
    sys.stdout.buffer.write(msgspec.json.encode(made))


if __name__ == "__main__":
    os.umask(0o077)
    main()
