"""The signed logs, proved."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.files import signed_log
from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.signing import load_verifier
from gateway.audit.verifying.log import Heads, check_anchor, read_heads, signed_lines
from gateway.audit.verifying.pool import TaskPool
from tests.unit.audit.conftest import Evidence


def read(evidence: Evidence, lines: list[bytes]) -> tuple[Heads, list[tuple[str, int]]]:
    told: list[tuple[str, int]] = []

    def tell(reason: str, line: int) -> None:
        told.append((reason, line))

    keys = follow_keys(lines, load_verifier(evidence.key.with_suffix(".pub")), tell)
    with TaskPool(1) as pool:
        documents = signed_lines(lines, keys.checkpoints, tell, pool)
    return read_heads(lines, documents, keys.checkpoints, tell), told


def test_births_heads_and_roots_are_taken_in(written: Evidence) -> None:
    """Nothing is told of a log as it was written."""
    written.sealer().seal(everything=True, sign=True)
    heads, told = read(written, signed_log.lines(written.folder.checkpoints))
    assert told == []
    assert len(heads.births) == 1
    assert max(*heads.heads.values()) == 10
    assert heads.roots


def test_a_removed_line_is_told_where_it_was(written: Evidence) -> None:
    """The line behind it does not follow."""
    written.sealer().seal(everything=True, sign=True)
    lines = signed_log.lines(written.folder.checkpoints)
    _, told = read(written, lines[:1] + lines[2:])
    assert ("it does not follow the line before it", 2) in told
    _, told = read(written, lines[1:])
    assert ("the lines before it were removed", 1) in told


def test_an_anchored_root_that_the_log_lost_is_told(written: Evidence, tmp_path: Path) -> None:
    """The folder was rolled back."""
    written.sealer().seal(everything=True, sign=True)
    lines = signed_log.lines(written.folder.checkpoints)
    anchored = [line for line in lines if line.startswith(b'{"kind":"root"')]
    keys = follow_keys(lines, load_verifier(written.key.with_suffix(".pub")), lambda *_: None)
    told: list[str] = []
    assert check_anchor(anchored, read(written, lines)[0], keys, lambda reason, _: told.append(reason)) == 1
    assert told == []
    rolled, _ = read(written, lines[: lines.index(anchored[0])])
    assert check_anchor(anchored, rolled, keys, lambda reason, _: told.append(reason)) == 0
    assert "rolled back" in told[0]
