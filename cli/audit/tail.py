"""`regate audit tail`: the newest records, and those to come, each once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cli.screen import line
from gateway.audit.files import COLUMNS, Folder
from gateway.audit.reading import Tail, query
from gateway.config import config_path, load_config

_SHOWN = ("recorded_at", "kind", "phase", "action", "code", "status", "agent", "model", "exchange_id")
_SELECT = f"SELECT {', '.join(COLUMNS)}, body FROM stored.records"  # noqa: S608 - our own names
_POLL_SECONDS = 0.2
# A sealed segment can be followed for a minute. Who was stopped longer, or waited for a slow reader, asks.
_LATE_SECONDS = 30.0


def tail(
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=100_000, help="How many to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the newest records, and those to come.

    Example: regate audit tail -f
    """
    following = Following(load_config(config_path()).audit_path)
    for record in following.newest(lines):
        _print(record, as_json)
    while follow:
        for record in following.fresh():
            _print(record, as_json)
        sys.stdout.flush()
        time.sleep(_POLL_SECONDS)


class Following:
    """Every record from a point on, once: of live segments, and of sealed ones after a pause."""

    def __init__(self, root: Path, *, late_seconds: float = _LATE_SECONDS) -> None:
        Folder(root).prepare()
        self._root = root
        self._late_seconds = late_seconds
        self._begin()
        with query(root, "SELECT writer, max(seq) FROM records GROUP BY writer") as result:
            self._seen: dict[str, int] = dict(result.rows)

    def newest(self, count: int) -> list[dict[str, Any]]:
        """Return the newest records, the oldest of them first."""
        newest = self._rows(f"{_SELECT} ORDER BY recorded_at DESC, seq DESC LIMIT ?", count)[::-1]
        for record in newest:
            self._seen[record["writer"]] = max(record["seq"], self._seen.get(record["writer"], 0))
        return newest

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Yield what was written since the last call, in each writer's order."""
        late = time.monotonic() - self._read_at > self._late_seconds
        for record in self._missed() if late else self._appended():
            if record["seq"] > self._seen.get(record["writer"], 0):
                self._seen[record["writer"]] = record["seq"]
                yield record

    def _begin(self) -> None:
        """Follow from here; a query that begins after that misses nothing."""
        self._tail = Tail(self._root)
        self._read_at, self._read_time = time.monotonic(), datetime.now(UTC)

    def _appended(self) -> list[dict[str, Any]]:
        self._read_at, self._read_time = time.monotonic(), datetime.now(UTC)
        return [orjson.loads(line) for line in self._tail.read()]

    def _missed(self) -> list[dict[str, Any]]:
        # a record may wait for the disk behind its time, never so long
        since = self._read_time - timedelta(minutes=1)
        self._begin()
        return self._rows(
            f"{_SELECT} WHERE recorded_at >= ?::TIMESTAMPTZ ORDER BY writer, seq", since.isoformat()
        )

    def _rows(self, select: str, parameter: str | int) -> list[dict[str, Any]]:
        with query(self._root, select, [parameter]) as result:
            return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _print(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    values = (str(record[name]) for name in _SHOWN if record[name] not in ("", -1))
    typer.echo(line("  ".join(values)))
