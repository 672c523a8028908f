"""Which process a writer is, so that another process can tell whether it still runs.

A lock alone does not tell: where locks are not shared every lock looks free. The kernel's boot id says
whether two processes share a kernel, the namespace whether they can see each other, and the start time
whether a process id was given out again. No clock is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `host` and `boot` are digests: evidence is handed to others and should name no machine."""

    host: str
    boot: str
    namespace: int
    pid: int
    started: int  # clock ticks after the kernel's start

    def is_near(self) -> bool:
        """Return whether the process runs, or ran, on this host."""
        here = this_process()
        return bool(self.boot) and (self.boot == here.boot or self.host == here.host)

    def is_gone(self) -> bool:
        """Return whether the process ended, as far as its lock, which the caller found free, leaves open.

        A process of another namespace cannot be seen: this kernel keeps its lock, so a free lock decides.
        """
        here = this_process()
        if self.boot != here.boot:
            return self.is_near()  # this host has started again since
        return self.namespace != here.namespace or _started(self.pid) != self.started


def this_process() -> Process:
    """Describe the calling process. Where there is no /proc, `boot` is empty and nothing is near."""
    boot, machine = _text(_PROC / "sys/kernel/random/boot_id"), _text(_MACHINE_ID)
    pid, namespace = os.getpid(), 0
    with suppress(OSError):
        namespace = os.stat(_PROC / "self/ns/pid").st_ino
    return Process(
        host=hmac.digest(machine.encode(), os.uname().nodename.encode(), "sha256").hex()[:32],
        boot=hashlib.sha256(f"regate {boot}".encode()).hexdigest()[:32] if boot else "",
        namespace=namespace,
        pid=pid,
        started=_started(pid) or 0,
    )


def _started(pid: int) -> int | None:
    """Return when the process with this id started; None when no process runs under it."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return None
    except OSError:
        return -1  # it is there and cannot be read: another time than any
    return None if fields[0] in "ZX" else int(fields[19])


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
