"""What the operating system knows of a gateway's processes (Linux)."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.waiting import until


def below(pid: int) -> Iterator[tuple[int, str]]:
    """Every descendant of a process: its id and its command line.

    But for Python's resource tracker, which lives as long as the process that once used `multiprocessing`.
    """
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = path.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (OSError, ValueError):
            continue  # it has just ended
        if parent == pid and "multiprocessing.resource_tracker" not in command:
            yield int(path.name), command
            yield from below(int(path.name))


def of_this_test(before: Iterable[tuple[int, str]]) -> set[int]:
    """The processes that this one has started since then.

    Those of a gateway that other tests keep running do not count, however new they are.
    """
    now, old = {pid for pid, _ in below(os.getpid())}, {pid for pid, _ in before}
    for pid in tuple(old):
        old |= {child for child, _ in below(pid)}
    return {pid for pid in now - old if Path(f"/proc/{pid}").exists()}


def opa_of(pid: int) -> int:
    """The OPA that a gateway runs."""
    found: list[int] = []
    until(lambda: found.extend(child for child, told in below(pid) if " run --server " in told) or found)
    return found[0]


def processor_seconds(pid: int) -> float:
    """The processor time that a process and its descendants have used."""
    ticks = 0
    for each in (pid, *(child for child, _ in below(pid))):
        with contextlib.suppress(OSError):  # it has just ended
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    """Whether it runs still; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def forbid_writing(pid: int, size: int = 1) -> None:
    """No file of the process may grow over `size` bytes: a write fails as it does on a broken disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
