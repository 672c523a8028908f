"""Append-only files of signed lines."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from gateway.audit.files import signed_log
from gateway.audit.files.disk import Disk
from gateway.audit.files.line import GENESIS
from gateway.audit.files.signing import Signer, load_signer


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return load_signer(tmp_path / "evidence.key", Disk())


def test_each_line_names_the_one_before(tmp_path: Path, signer: Signer) -> None:
    """The first names 64 zeros."""
    log = tmp_path / "log"
    for number in range(3):
        signed_log.append(log, {"kind": "end", "number": number}, signer, Disk())
    lines = signed_log.lines(log)

    prevs = [orjson.loads(line)["prev"] for line in lines]
    assert prevs == [GENESIS, *(hashlib.sha256(line).hexdigest() for line in lines[:-1])]
    assert [signer.verifier.read(line)["number"] for line in lines] == [0, 1, 2]


@pytest.mark.parametrize("torn", [b'{"kind":"e', b"\0\0\0\0\n"])
def test_what_a_crash_left_of_a_line_is_cut_off_before_the_next(
    tmp_path: Path, signer: Signer, torn: bytes
) -> None:
    """Torn, or zeros of pages that were never written."""
    log = tmp_path / "log"
    signed_log.append(log, {"kind": "end"}, signer, Disk())
    whole = log.read_bytes()
    log.write_bytes(whole + torn)
    line = signed_log.append(log, {"kind": "end"}, signer, Disk())
    assert log.read_bytes() == whole + line


def test_a_log_that_another_process_locks_is_waited_for_and_then_told(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer does not wait for ever."""
    monkeypatch.setattr(signed_log, "_LOCK_SECONDS", 0.05)
    log = tmp_path / "log"
    with signed_log.locked(log, Disk()), pytest.raises(BlockingIOError, match="keeps it locked"):
        signed_log.append(log, {"kind": "end"}, signer, Disk())


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    """Nothing is made by reading."""
    assert signed_log.lines(tmp_path / "none") == []
