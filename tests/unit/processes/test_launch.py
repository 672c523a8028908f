"""The launcher becomes the program that it is given, and only for a parent that is there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.processes import launch
from tests.support.processes import alive
from tests.support.waiting import until


def launched(parent: int, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, launch.__file__, str(parent), *command], capture_output=True, check=False
    )


def test_the_launcher_becomes_the_program() -> None:
    command = [
        sys.executable,
        launch.__file__,
        str(os.getpid()),
        "sh",
        "-c",
        'echo $$ "$@"',
        "sh",
        "a b",
        "c",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == f"{process.pid} a b c\n"


def test_without_its_parent_the_program_does_not_run(tmp_path: Path) -> None:
    ended = launched(1, "touch", tmp_path / "ran")
    assert (ended.returncode, (tmp_path / "ran").exists()) == (1, False)


def test_a_program_that_cannot_run_is_told_by_its_code_and_errno(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a program")
    for program, number in ((tmp_path / "none", errno.ENOENT), (text, errno.EACCES)):
        ended = launched(os.getpid(), program)
        assert ended.returncode == launch.NOT_RUN
        assert ended.stderr == launch.MARK + str(number).encode()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_the_program_ends_when_its_parent_is_killed() -> None:
    parent = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, sys.argv[1], str(os.getpid()), 'sleep', '600']\n"
        "print(subprocess.Popen(command).pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, launch.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0])
        process.kill()
    until(lambda: not alive(child))
