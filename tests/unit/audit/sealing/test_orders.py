"""Orders and holds in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.audit.files.signing import load_signer
from gateway.audit.sealing import orders
from gateway.audit.sealing.orders import (
    LegalHold,
    Order,
    Target,
    holds_in_force,
    new_order_id,
    order_erasure,
    read_seal_lines,
    sign_hold,
)
from tests.unit.audit.conftest import Evidence

SEAL: Any = {"segments": [{"writer": "w", "first_seq": 3, "last_seq": 5, "first_at": "2026-11-28"}]}


def test_many_targets_take_several_lines_of_one_order(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is lost, and each line has the order's id."""
    evidence.folder.prepare()
    monkeypatch.setattr(orders, "_TARGETS", 2)
    targets = tuple(Target("w", seq, ("owner",), ("/a",)) for seq in range(5))
    signer = load_signer(evidence.key, evidence.folder.disk)
    order_erasure(evidence.folder, signer, Order(id=new_order_id(), targets=targets), datetime.now(UTC))
    lines = [line for line in read_seal_lines(evidence.folder) if line["kind"] == "order"]
    assert [len(line["targets"]) for line in lines] == [2, 2, 1]
    assert len({line["id"] for line in lines}) == 1
    assert [target for line in lines for target in line["targets"]] == [
        ["w", seq, ["owner"], ["/a"]] for seq in range(5)
    ]


@pytest.mark.parametrize(
    ("order", "covers"),
    [
        (Order(session="s", before="2026-11-29"), True),
        (Order(session="s", before="2026-11-27"), False),
        (Order(targets=(Target("w", 5),)), True),
        (Order(targets=(Target("w", 6), Target("v", 4))), False),
    ],
)
def test_an_order_covers_files_that_may_hold_its_records(order: Order, covers: bool) -> None:
    assert order.covers(SEAL) == covers


def test_a_hold_is_in_force_until_its_release(evidence: Evidence) -> None:
    """Another one stays."""
    evidence.folder.prepare()
    signer = load_signer(evidence.key, evidence.folder.disk)
    one, two = LegalHold("lh_1", session="se_1"), LegalHold("lh_2")
    sign_hold(evidence.folder, signer, one)
    sign_hold(evidence.folder, signer, two)
    assert holds_in_force(read_seal_lines(evidence.folder)) == (one, two)
    many = LegalHold("lh_3", targets=tuple(("w", seq) for seq in range(1, 2_002)))
    sign_hold(evidence.folder, signer, many)
    assert holds_in_force(read_seal_lines(evidence.folder)) == (one, two, many)
    sign_hold(evidence.folder, signer, many, release=True)
    sign_hold(evidence.folder, signer, one, release=True)
    assert holds_in_force(read_seal_lines(evidence.folder)) == (two,)
