"""Child processes end with their parent and see none of its secrets."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.processes import kill, run, running, spawn, stop, terminate

PYTHON = Path(sys.executable)
ENVIRONMENT = "import os, json; print(json.dumps(dict(os.environ)))"


def test_a_program_gets_its_arguments_and_its_input() -> None:
    code = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(3)"
    ended = run(PYTHON, "-c", code, "a b", Path("c"), stdin=b"text")
    assert (ended.returncode, ended.stdout) == (3, b"['a b', 'c'] text\n")


def test_a_program_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("TZ", "UTC")
    seen = json.loads(run(PYTHON, "-c", ENVIRONMENT).stdout)
    assert seen["TZ"] == "UTC"
    assert "OPENAI_API_KEY" not in seen


def test_a_program_sees_the_environment_it_is_given() -> None:
    seen = json.loads(run(PYTHON, "-c", ENVIRONMENT, env={"ONLY": "this"}).stdout)
    assert "PATH" not in seen
    assert seen["ONLY"] == "this"


def test_a_name_is_searched_on_path() -> None:
    assert run("true").returncode == 0


@pytest.mark.parametrize("missing", ["regate-no-such-program", Path("/no/such/program")])
def test_a_program_that_is_not_there_raises(missing: str | Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(missing)


def test_a_file_that_is_no_program_raises(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a program")
    with pytest.raises(PermissionError):
        run(text)
    text.chmod(0o700)
    with pytest.raises(OSError, match="Exec format error"):
        run(text)


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(subprocess.TimeoutExpired):
        run(PYTHON, "-c", code, tmp_path / "pid", seconds=1)
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_a_program_ends_with_its_block() -> None:
    with running(PYTHON, "-c", "print('ready', flush=True); import time; time.sleep(60)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_program_dies_with_its_parent() -> None:
    parent = (
        "import sys; from pathlib import Path; from gateway.processes import running\n"
        "with running(Path(sys.executable), '-c', 'import time; time.sleep(60)') as process:\n"
        "    print(process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([PYTHON, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert _runs(child)
        process.kill()
    deadline = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_a_spawned_program_that_will_not_end_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); time.sleep(60)"
    process = await spawn(PYTHON, "-u", "-c", code)
    assert process.stdout is not None
    await process.stdout.readline()
    await stop(process)
    assert process.returncode == -signal.SIGKILL


async def test_a_spawned_program_is_gone_though_its_stop_is_canceled() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); time.sleep(60)"
    process = await spawn(PYTHON, "-u", "-c", code)
    assert process.stdout is not None
    await process.stdout.readline()
    stopping = asyncio.create_task(stop(process))
    await asyncio.sleep(0.01)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("end", [terminate, kill])
async def test_the_exit_code_of_a_program_that_has_just_ended_is_kept(
    end: Callable[[asyncio.subprocess.Process], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread of asyncio that waits for the program is late here, as it may be."""
    wait, asked = asyncio.ThreadedChildWatcher._do_waitpid, threading.Event()

    def late(*of: Any) -> None:
        asked.wait()
        wait(*of)

    monkeypatch.setattr(asyncio.ThreadedChildWatcher, "_do_waitpid", late)
    process = await spawn(PYTHON, "-c", "import sys; sys.exit(3)")
    await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    end(process)
    asked.set()
    assert await process.wait() == 3
    await stop(process)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
