"""While the state file cannot tell or take a revocation, no key is believed for longer than a second."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.state import open_state
from tests.support.gateway import GatewayProcess
from tests.support.hostile import ask, connect, head, heard, prompt, status, worker
from tests.support.prefork import ROOT
from tests.support.waiting import holds, until

SECOND = 1.0
SLACK = 0.5  # seconds that a request itself may take


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    with worker(tmp_path / "gateway") as running:
        yield running


@pytest.fixture
def key(gateway: GatewayProcess) -> str:
    return a_key(gateway)


def a_key(gateway: GatewayProcess) -> str:
    made = gateway.create_key("agent", "ana")
    assert status(asked(gateway, made)) == 200
    return made


def asked(gateway: GatewayProcess, key: str) -> bytes:
    body = prompt()
    return ask(gateway, head(f"content-length: {len(body)}", "connection: close", key=key) + body)


@contextlib.contextmanager
def locked(path: Path, *statements: str) -> Iterator[None]:
    """Hold a lock on the file in another process."""
    script = f"""
        import sqlite3, sys
        connection = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=10)
        for statement in {statements!r}:
            connection.execute(statement)
        print("locked", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.terminate()


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(("BEGIN EXCLUSIVE",), id="exclusive"),
        pytest.param(("BEGIN IMMEDIATE",), id="immediate"),
        pytest.param(("BEGIN IMMEDIATE", "UPDATE keys SET revoked_at = 1"), id="a revocation half way"),
    ],
)
def test_a_locked_state_file_lets_no_key_pass_for_longer_than_a_second(
    gateway: GatewayProcess, key: str, statements: tuple[str, ...]
) -> None:
    """While another process keeps the lock that a revocation needs, requests are refused."""
    with locked(gateway.state, *statements):
        _assert_refused_from_now_on(gateway, key)
    _assert_passes_again(gateway, key)


def break_by_removal(path: Path) -> None:
    path.unlink()


def break_by_an_old_copy(path: Path) -> None:
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    copy.rename(path)


def break_by_removing_the_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def break_by_replacing_the_log(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    copy = log.read_bytes()
    log.unlink()
    log.write_bytes(copy)


def break_by_removing_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def break_by_garbage(path: Path) -> None:
    _checkpoint(path)
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def break_by_cutting(path: Path) -> None:
    _checkpoint(path)
    with path.open("r+b") as file:
        file.truncate(4096)


def break_by_dropping_the_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE keys")
        connection.commit()


def break_by_deleting_the_keys(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM keys")
        connection.commit()


BREAKS = (
    break_by_removal,
    break_by_an_old_copy,
    break_by_removing_the_log,
    break_by_replacing_the_log,
    break_by_removing_the_folder,
    break_by_garbage,
    break_by_cutting,
    break_by_dropping_the_table,
    break_by_deleting_the_keys,
)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """What became of each harm to a gateway of its own; all at once, since each is watched for seconds."""

    def harmed(harm: Callable[[Path], None]) -> None:
        with worker(tmp_path_factory.mktemp("gateway")) as running:
            key = a_key(running)
            harm(running.state)
            _assert_refused_from_now_on(running, key)

    with ThreadPoolExecutor(len(BREAKS)) as threads:
        yield {harm.__name__: threads.submit(harmed, harm) for harm in BREAKS}


@pytest.mark.parametrize("harm", [harm.__name__ for harm in BREAKS])
def test_a_state_file_that_is_gone_or_broken_lets_no_key_pass(
    refusing: dict[str, Future[None]], harm: str
) -> None:
    """Nothing that was read earlier stands in for a file that cannot be read now."""
    refusing[harm].result()


def test_an_older_copy_written_over_the_file_revives_no_key(gateway: GatewayProcess, key: str) -> None:
    """A restored backup in which a key is not yet revoked is noticed."""
    _checkpoint(gateway.state)
    backup = gateway.state.read_bytes()
    _revoke(gateway, key)
    time.sleep(SECOND)
    assert status(asked(gateway, key)) == 401
    _checkpoint(gateway.state)
    gateway.state.write_bytes(backup)

    for _ in range(5):
        assert status(asked(gateway, key)) in (401, 503)
        time.sleep(0.3)


def test_a_revocation_acts_within_a_second_under_load(gateway: GatewayProcess, key: str) -> None:
    """Another process revokes a key that is in constant use; a second later no request passes."""
    answers: list[tuple[float, int]] = []
    stopped = threading.Event()

    def keep_asking() -> None:
        while not stopped.is_set():
            began = time.monotonic()
            answers.append((began, status(asked(gateway, key))))

    asking = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in asking:
        thread.start()
    until(lambda: len(answers) > 4)
    time.sleep(SECOND)
    _revoke(gateway, key)
    revoked = time.monotonic()
    until(lambda: any(began > revoked + SECOND for began, _ in answers))
    stopped.set()
    for thread in asking:
        thread.join()

    assert {code for began, code in answers if began < revoked - SECOND} == {200}
    assert {code for began, code in answers if began > revoked + SECOND} == {401}


def test_a_key_that_is_revoked_while_its_body_arrives_does_not_pass(
    gateway: GatewayProcess, key: str
) -> None:
    """A slow body does not carry a key over its end."""
    body = prompt()
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(head(f"content-length: {len(body)}", "connection: close", key=key) + body[:-5])
        time.sleep(0.3)
        _revoke(gateway, key)
        time.sleep(SECOND)
        connection.sendall(body[-5:])
        answer = heard(connection)

    assert status(answer) == 401
    assert b"unauthenticated" in answer


def test_a_lock_that_is_held_for_a_moment_harms_nobody(gateway: GatewayProcess, key: str) -> None:
    """Writers that come and go turn no good key into an error."""
    stopped = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(gateway.state, isolation_level=None, timeout=10)
        while not stopped.is_set():
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(0.2)
            connection.execute("ROLLBACK")
            time.sleep(0.2)
        connection.close()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        codes = [status(asked(gateway, key)) for _ in range(40)]
    finally:
        stopped.set()
        writing.join()

    assert codes == [200] * 40


def test_readiness_tells_of_a_lost_state_file(gateway: GatewayProcess, key: str) -> None:
    """An operator sees why requests are refused."""
    gateway.state.unlink()
    time.sleep(SECOND)
    answer = ask(gateway, b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    assert status(answer) == 503
    assert "removed or replaced" in str(json.loads(answer.partition(b"\r\n\r\n")[2])["problems"])


def _assert_refused_from_now_on(gateway: GatewayProcess, key: str) -> None:
    """Requests that begin later than a second from now are all 503 `state_unavailable`, and soon answered."""
    began = time.monotonic()
    took: list[float] = []
    while (asking := time.monotonic()) < began + 4 * SECOND or len(took) < 3:
        answer = asked(gateway, key)
        if asking > began + SECOND:
            assert status(answer) == 503, answer
            assert b"state_unavailable" in answer
            took.append(time.monotonic() - asking)
        time.sleep(0.1)
    assert holds(lambda: _seconds(lambda: asked(gateway, key)) < SECOND + SLACK), took


def _assert_passes_again(gateway: GatewayProcess, key: str) -> None:
    until(lambda: status(asked(gateway, key)) == 200)


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _revoke(gateway: GatewayProcess, key: str) -> None:
    with contextlib.closing(sqlite3.connect(gateway.state, timeout=10)) as connection:
        changed = connection.execute(
            "UPDATE keys SET revoked_at = ? WHERE id = ?", (time.time(), key.split("_")[1])
        )
        assert changed.rowcount == 1
        connection.commit()


def _checkpoint(path: Path) -> None:
    """Bring everything from the log into the file."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_second_opening_does_not_let_another_process_remove_the_log(tmp_path: Path) -> None:
    """A worker that opens its file twice, as `regate up --demo` does, keeps the log under its feet."""
    path = tmp_path / "regate.db"
    with contextlib.closing(open_state(path)) as state:
        open_state(path).close()
        again = f"open_state(Path({str(path)!r})).close()"
        script = f"from pathlib import Path; from gateway.state import open_state; {again}"
        subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)

        with state.write() as connection:
            connection.exec_driver_sql("UPDATE keys SET revoked_at = 1")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """An operator reads which file is wrong."""
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StateUnavailable, match=r"folder\.db: unable to open"):
        open_state(tmp_path / "folder.db")
