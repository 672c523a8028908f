"""What each running worker says of its policy, in a file beside the state for `regate policy status`."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gateway.policy.policies import PolicyStatus

_SIZE = 16 * 1024  # bytes: a report is always written whole, and over the one before
_LONGEST = 2000  # characters of an error
_ATTEMPTS = 5


class StatusFile:
    """This worker's status file, locked while the worker runs; an unlocked file is stale."""

    def __init__(self, folder: Path) -> None:
        """Make the file. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in folder.glob("*.json"):
            if not _is_held(path):
                path.unlink(missing_ok=True)
        name = secrets.token_hex(8)
        aside, self._path = folder / f".{name}", folder / f"{name}.json"
        self._file = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._said: PolicyStatus | None = None
        self._write(b"{}")
        aside.rename(self._path)  # in sight only once it is locked

    def say(self, status: PolicyStatus) -> None:
        """Write the status where it has changed. Raises OSError."""
        if status != self._said:
            document = asdict(replace(status, error=status.error[:_LONGEST])) | {"pid": os.getpid()}
            self._write(json.dumps(document, default=str).encode())
            self._said = status

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, content: bytes) -> None:
        os.pwrite(self._file, content.ljust(_SIZE)[:_SIZE], 0)


def read_reports(folder: Path) -> list[dict[str, Any]]:
    """Return the status of each running worker; empty where none runs."""
    reports: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        if _is_held(path):
            reports.extend(report for report in _read(path) if report)
    return sorted(reports, key=lambda report: int(report["pid"]))


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for _ in range(_ATTEMPTS):
        with suppress(OSError, ValueError):  # it has just ended, or was being written
            yield json.loads(path.read_bytes())
            return


def _is_held(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
