"""Signed statements hold alone, under the key that is trusted and its successors."""

from __future__ import annotations

from contextlib import suppress

import pytest

from gateway.audit.files.rotation import open_signer, rotate
from gateway.audit.files.signing import load_verifier
from gateway.audit.verifying.proof import ProofFailed
from gateway.audit.verifying.statement import read_statement, state_receipt, state_removals
from tests.unit.audit.conftest import Evidence


def test_a_statement_is_read_with_the_public_key_and_no_byte_of_it_can_be_changed(written: Evidence) -> None:
    """What is no statement gives None, and is checked as a proof."""
    trusted = load_verifier(written.key.with_suffix(".pub"))
    signer = open_signer(written.key, written.folder)
    made = state_removals(written.root, signer, written.verify(), "2026-11-01")
    said = read_statement(made, trusted)
    assert said is not None
    assert (said["since"], said["removed"], said["records_proved"]) == ("2026-11-01", [], 10)
    for place in range(made.index(b"since"), len(made.rstrip()), 7):
        changed = made[:place] + bytes([made[place] ^ 1]) + made[place + 1 :]
        with suppress(ProofFailed):
            assert read_statement(changed, trusted) is None
    assert read_statement(b'{"kind":"proof"}', trusted) is None
    assert read_statement(b"\xff", trusted) is None


def test_a_statement_of_the_new_key_holds_for_those_who_have_the_old_one(written: Evidence) -> None:
    """The rotations behind it lead there; one of a key that was replaced does not hold with the new key."""
    old = load_verifier(written.key.with_suffix(".pub"))
    before = state_receipt(written.root, open_signer(written.key, written.folder), {"exchange": "ex_1"})
    rotate(written.key, written.folder)
    signer = open_signer(written.key, written.folder)
    said = read_statement(state_receipt(written.root, signer, {"exchange": "ex_1"}), old)
    assert said is not None
    assert said["exchange"] == "ex_1"
    with pytest.raises(ProofFailed):
        read_statement(before, load_verifier(written.key.with_suffix(".pub")))


def test_nothing_is_stated_of_evidence_that_is_broken(written: Evidence) -> None:
    """It would vouch for what it does not know."""
    signer = open_signer(written.key, written.folder)
    written.live().write_bytes(written.live().read_bytes().replace(b'"allow"', b'"deny"', 1))
    with pytest.raises(ProofFailed, match="not intact"):
        state_removals(written.root, signer, written.verify(), "2026-11-01")
