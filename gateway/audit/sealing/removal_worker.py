"""The remover's child process: writes one sealed file anew without what orders erase.

    python removal_worker.py < request

Answers with one JSON object: how much went, what is on hold, and the SHA-256 of the file made, if one was.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from gateway.audit.files import parquet
from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.line import OpenLine, check_either, open_line
from gateway.audit.files.record import NULLABLE, encode_body
from gateway.audit.sealing.orders import ERASED_KINDS, LegalHold, Order, Target
from gateway.audit.sealing.removal import RewriteRequest, Rewritten, anew


class Eraser:
    """Takes out of a file's lines what the orders name, and counts what went and what is on hold."""

    def __init__(self, orders: Sequence[Order], holds: Sequence[LegalHold]) -> None:
        self.bodies = self.names = self.held = 0
        self._orders = [order for order in orders if not order.targets]
        self._targets: dict[tuple[str, int], list[tuple[str, Target]]] = defaultdict(list)
        for order in orders:
            for target in order.targets:
                self._targets[target.writer, target.seq].append((order.id, target))
        self._holds = [hold for hold in holds if not hold.targets]
        self._held = {place for hold in holds for place in hold.targets}
        self._only_holds = not orders
        self._at = stamp(datetime.now(UTC))

    def erase(self, line: bytes) -> bytes:
        """Return the line without what is to go of it. Raises BrokenLine."""
        opened = made = open_line(line)
        record, by = orjson.loads(opened.head + b"}"), ""
        for order_id, target in self._due(record, opened):
            after = _without(made, target, f"erased-{order_id}")
            made, by = (after, order_id) if after != made else (made, by)
        if made == opened and not self._only_holds:
            return line
        place = record["writer"], record["seq"]
        if place in self._held or any(_covers(hold, record) for hold in self._holds):
            self.held += 1
            return line
        self.bodies += made.body != opened.body
        self.names += made.names != opened.names
        return line if self._only_holds else made.withheld(self._at, by)

    def _due(self, record: Mapping[str, Any], opened: OpenLine) -> Iterator[tuple[str, Target]]:
        whole = Target(record["writer"], record["seq"], body=("",))
        for order in self._orders:
            named, meant = ("session_id", order.session) if order.session else ("agent", order.agent)
            if record[named] == meant and record["recorded_at"] <= order.before and _says(record, opened):
                yield order.id, whole
        yield from self._targets.get((record["writer"], record["seq"]), ())


def write_anew(
    folder: Folder, path: Path, orders: Sequence[Order], holds: Sequence[LegalHold] = ()
) -> Rewritten:
    """Leave out what the orders name. Raises OSError, duckdb.Error, BrokenLine."""
    lines = folder.sealed / f"{path.stem}.lines"
    made = folder.sealed / f"{path.stem}.made"
    eraser = Eraser(orders, holds)
    try:
        with os.fdopen(folder.disk.open(lines, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            for line in parquet.lines(path):
                file.write(eraser.erase(line) + b"\n")
        if not (eraser.bodies or eraser.names):
            return Rewritten(held=eraser.held)
        parquet.write_segments([lines], made, folder.disk)
        for before, after in zip(parquet.lines(path), parquet.lines(made), strict=True):
            _check_same(before, after)
        sha256 = file_sha256(made)
        folder.disk.rename(made, anew(folder, path, sha256))
        folder.disk.sync_folder(folder.sealed)
        return Rewritten(eraser.bodies, eraser.names, eraser.held, sha256)
    finally:
        lines.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


def _covers(hold: LegalHold, record: Mapping[str, Any]) -> bool:
    """Return whether a record is on hold; a hold that names nothing is on everything."""
    if hold.session:
        return bool(record["session_id"] == hold.session)
    return not hold.agent or bool(record["agent"] == hold.agent)


def _says(record: Mapping[str, Any], opened: OpenLine) -> bool:
    """Return whether the record has words that go with its session or agent."""
    if record["kind"] in ERASED_KINDS or not opened.body:
        return bool(opened.body)
    return "summary" in json.loads(opened.body)


def _without(opened: OpenLine, target: Target, said: str) -> OpenLine:
    """Return a line without what the target names; `said` stands in its place."""
    if target.names and opened.names:
        names = orjson.loads(b"{" + opened.names + b"}")
        names |= {name: None if name in NULLABLE else said for name in target.names if names.get(name)}
        if (kept := orjson.dumps(names)[1:-1]) != opened.names:
            opened = opened.without_names(kept)
    if target.body and opened.body and (kept := _blanked(opened.body, target.body, said)) != opened.body:
        opened = opened.without_body(kept)
    return opened


def _blanked(body: bytes, pointers: Sequence[str], said: str) -> bytes:
    """Return the body with `said` in these places; a part loses its text. Empty when all of it goes."""
    if "" in pointers:
        return b""
    document = json.loads(body)  # integers of any size stay exact
    changed = [_blank(document, pointer, said) for pointer in pointers]
    return encode_body(document) if any(changed) else body


def _blank(document: Any, pointer: str, said: str) -> bool:
    """Change what a pointer names; return whether that was there still."""
    *way, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    try:
        for step in way:
            document = document[int(step) if isinstance(document, list) else step]
        key = int(last) if isinstance(document, list) else last
        found = document[key]
    except (LookupError, ValueError, TypeError):
        return False
    if way == ["parts"] and isinstance(found, dict):
        gone = [found.pop(name) for name in ("text", "sealed") if name in found]
        found |= {"erased": said} if gone else {}
        return bool(gone)
    document[key] = said
    return bool(found != said)


def _check_same(before: bytes, after: bytes) -> None:
    """Raise OSError unless the record's place in the chain is the same with and without its body."""
    link = check_either(before)
    if check_either(after) != link:
        raise OSError(f"record {link.writer}:{link.seq} was written differently")


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=RewriteRequest)
    folder = Folder(Path(request.root))
    made = write_anew(folder, folder.root / request.path, request.orders, request.holds)
    sys.stdout.buffer.write(msgspec.json.encode(made))


if __name__ == "__main__":
    os.umask(0o077)
    main()
