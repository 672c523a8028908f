"""Run a program that dies with its parent: `python launch.py PARENT_PID PROGRAM [ARGUMENT]…`.

A program of its own, because the signal must be asked for between fork and exec, where a threaded parent may
run no Python. It imports nothing of Regate, so it starts in a few milliseconds.
"""

import ctypes
import os
import signal
import sys

NOT_RUN = 126  # the exit code of a program that cannot be run, as in shells; the mark and errno go to stderr
MARK = b"launch: "
_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent goes; leave at once if it is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the very purpose; the caller names the program
    except OSError as error:
        os.write(2, MARK + str(error.errno).encode())
        os._exit(NOT_RUN)
