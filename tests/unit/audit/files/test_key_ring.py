"""Which key signs which lines."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.files import signed_log
from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.rotation import open_signer, rotate
from gateway.audit.files.signing import load_signer
from tests.unit.audit.conftest import Evidence


def test_rotations_lead_from_any_of_their_keys_to_all(evidence: Evidence) -> None:
    """The first key signs up to the rotation, its successor from there on."""
    evidence.folder.prepare()
    first = open_signer(evidence.key, evidence.folder).verifier
    rotate(evidence.key, evidence.folder)
    second = open_signer(evidence.key, evidence.folder).verifier
    lines = signed_log.lines(evidence.folder.checkpoints)
    told: list[str] = []

    for trusted in (first, second):
        keys = follow_keys(lines, trusted, lambda reason, _: told.append(reason))
        assert [(line, key.key_id) for line, key in keys.checkpoints] == [
            (0, first.key_id),
            (1, second.key_id),
        ]
    assert told == []


def test_a_foreign_key_is_not_led_to(evidence: Evidence, tmp_path: Path) -> None:
    """It stays alone, and the reason is told."""
    evidence.folder.prepare()
    open_signer(evidence.key, evidence.folder)
    rotate(evidence.key, evidence.folder)
    foreign = load_signer(tmp_path / "foreign.key", evidence.folder.disk).verifier
    told: list[str] = []
    lines = signed_log.lines(evidence.folder.checkpoints)
    keys = follow_keys(lines, foreign, lambda reason, _: told.append(reason))

    assert [key.key_id for _, key in keys.checkpoints] == [foreign.key_id]
    assert "do not lead to the key" in told[0]
