"""Roots over the log of heads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.heads import Head, Roots, is_root, sign_head, stamp
from gateway.audit.files.merkle import Frontier
from gateway.audit.files.rotation import open_signer
from tests.unit.audit.conftest import Evidence


def test_a_root_covers_every_line_before_it(evidence: Evidence) -> None:
    """Its root is that of the tree over those lines; without a new line none is signed again."""
    folder = evidence.folder
    folder.prepare()
    signer = open_signer(evidence.key, folder)
    for seq in (1, 2):
        sign_head(folder, signer, "w1", Head("w1-000001", seq, "a" * 64))
    roots = Roots(folder, signer, timedelta(hours=1))
    line = roots.sign(due=True)

    tree = Frontier()
    *heads, last = signed_log.lines(folder.checkpoints)
    for head in heads:
        tree.add(head)
    assert line == last + b"\n"
    assert is_root(last)
    assert (orjson.loads(last)["size"], orjson.loads(last)["root"]) == (2, tree.root().hex())
    assert roots.signed_seq("w1") == 2
    assert roots.sign(due=True) is None


def test_a_root_waits_for_its_time(evidence: Evidence) -> None:
    """One that is not asked for comes once the last is old enough."""
    folder = evidence.folder
    folder.prepare()
    signer = open_signer(evidence.key, folder)
    roots = Roots(folder, signer, timedelta(hours=1))
    sign_head(folder, signer, "w1", Head("w1-000001", 1, "a" * 64))
    now = datetime.now(UTC)
    assert roots.sign(now=now)
    sign_head(folder, signer, "w1", Head("w1-000001", 2, "a" * 64))
    assert roots.sign(now=now + timedelta(minutes=59)) is None
    assert roots.sign(now=now + timedelta(minutes=61))


def test_a_time_is_written_to_the_microsecond() -> None:
    """Times of one day sort as text."""
    assert stamp(datetime(2026, 1, 2, 3, 4, 5, 6, UTC)) == "2026-01-02T03:04:05.000006Z"
