"""The remover's child process."""

from __future__ import annotations

import json

from gateway.audit.files import parquet
from gateway.audit.files.line import check_either, open_line
from gateway.audit.sealing.orders import LegalHold, Order, Target
from gateway.audit.sealing.removal import Rewritten, anew
from gateway.audit.sealing.removal_worker import write_anew
from tests.unit.audit.conftest import Evidence, decision

_EVER = "9999"


def test_bodies_of_one_session_go_and_the_chain_stays(written: Evidence) -> None:
    """Four of ten records are of this session."""
    written.sealer().seal(everything=True)
    path = written.sealed()
    before = list(parquet.lines(path))
    made = write_anew(written.folder, path, [Order("se_0", before=_EVER)])
    after = list(parquet.lines(anew(written.folder, path, made.parquet_sha256)))

    assert made.bodies == sum(not open_line(line).whole for line in after) == 4
    assert [check_either(line) for line in after] == [check_either(line) for line in before]


def test_an_order_that_names_nothing_writes_nothing(written: Evidence) -> None:
    """The file stays, and nothing lies beside it."""
    written.sealer().seal(everything=True)
    made = write_anew(written.folder, written.sealed(), [Order("se_none", before=_EVER)])
    assert (made.bodies, made.parquet_sha256) == (0, "")
    assert not list(written.folder.sealed.glob("*.*"))


def test_parts_names_and_words_of_single_records_go_and_the_rest_stays(evidence: Evidence) -> None:
    """A second pass of the same order finds nothing, and what was not named is as it was written."""
    journal = evidence.journal()
    parts = [{"digest": f"d{n}", "text": f"heron {n}", "sealed": "ab"} for n in range(2)]
    body = {"parts": parts, "input": {"a/b": ["heron", 10**30]}, "approvers": ["erin"]}
    for number in range(3):
        journal.record_sync(decision(number, owner="erin", source_ip="10.0.0.1", body=body))
    journal.close()
    evidence.sealer().seal(everything=True)
    path, writer = evidence.sealed(), journal.writer
    targets = (
        Target(writer, 1, ("owner", "source_ip"), ("/parts/1", "/input/a~1b/0", "/no/where")),
        Target(writer, 3, (), ("",)),
    )
    order = Order(id="or_1", targets=targets)
    made = write_anew(evidence.folder, path, [order])
    assert (made.bodies, made.names, made.held) == (2, 1, 0)
    lines = list(parquet.lines(anew(evidence.folder, path, made.parquet_sha256)))
    one, two, three = map(json.loads, lines)
    assert (one["owner"], one["source_ip"], two["owner"]) == ("erased-or_1", None, "erin")
    said = {"digest": "d1", "erased": "erased-or_1"}
    assert one["body"] == {**body, "parts": [parts[0], said], "input": {"a/b": ["erased-or_1", 10**30]}}
    assert (two["body"], three.get("body"), three["owner"]) == (body, None, "erin")
    assert (one["withheld"]["order"], "withheld" in two) == ("or_1", False)
    anew(evidence.folder, path, made.parquet_sha256).replace(path)
    assert write_anew(evidence.folder, path, [order]) == Rewritten()


def test_what_is_on_hold_is_left_as_it_is(written: Evidence) -> None:
    """A hold on a session keeps its records; one on everything has a file told whole."""
    written.sealer().seal(everything=True)
    hold = LegalHold("lh_1", session="se_0")
    made = write_anew(written.folder, written.sealed(), [Order(agent="billing", before=_EVER)], [hold])
    assert (made.bodies, made.held) == (6, 4)
    assert write_anew(written.folder, written.sealed(), [], [LegalHold("lh_2")]) == Rewritten(held=10)
    assert write_anew(written.folder, written.sealed(), [], [LegalHold("lh_3", agent="x")]) == Rewritten()
