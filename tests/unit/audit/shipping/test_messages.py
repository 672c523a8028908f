"""What is shipped of a record, in full and cut."""

from __future__ import annotations

import orjson
import pytest

from gateway.audit import Record
from gateway.audit.files.line import check_either
from gateway.audit.shipping.messages import Message, message_of
from tests.unit.audit.conftest import Evidence, decision


def made(evidence: Evidence, record: Record, form: str, most: int = 10**6) -> Message | None:
    evidence.journal().record_sync(record)
    return message_of(evidence.live().read_bytes().splitlines()[-1], form, most)  # type: ignore[arg-type]


def test_a_record_is_its_line_and_cut_it_still_holds(evidence: Evidence) -> None:
    """Integers of any size and characters of any kind stay as they are."""
    message = made(evidence, decision(1, body={"number": 2**70, "said": "é"}), "records")
    assert message
    assert message.body == evidence.live().read_bytes().splitlines()[0]
    assert (message.uid, message.kind, message.grave) == (f"{message.writer}:1", "decision", False)
    assert b'"number"' not in message.short
    assert check_either(message.short).hash == check_either(message.body).hash


def test_an_event_is_cut_to_what_ocsf_requires(evidence: Evidence) -> None:
    reason = {"rule": "r", "message": "m" * 20_000, "severity": "high"}
    message = made(evidence, decision(1, action="deny", reasons=(reason,)), "ocsf", 10_000)
    assert message
    assert message.grave
    event = orjson.loads(message.body)
    assert len(event["message"]) == 500
    assert "unmapped" not in event
    assert event["metadata"]["uid"] == message.uid
    assert event["attestation_list"]


@pytest.mark.parametrize("record", [Record("forwarded"), Record("refusal", code="policy_denied", status=403)])
def test_a_record_that_is_no_event_has_no_message(evidence: Evidence, record: Record) -> None:
    assert made(evidence, record, "ocsf") is None
