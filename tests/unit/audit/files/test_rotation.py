"""The evidence key over time."""

from __future__ import annotations

import pytest

from gateway.audit.files import signed_log
from gateway.audit.files.rotation import open_signer, read_rotation, rotate
from gateway.audit.files.signing import BadLine
from gateway.errors import ConfigError
from tests.unit.audit.conftest import Evidence


def test_a_rotation_names_both_keys_and_the_new_one_signs_from_then_on(evidence: Evidence) -> None:
    """The old public key stays under its id."""
    evidence.folder.prepare()
    old, new = open_signer(evidence.key, evidence.folder).verifier.key_id, ""
    assert rotate(evidence.key, evidence.folder)[0] == old
    (line,) = signed_log.lines(evidence.folder.checkpoints)
    before, after, sealed = read_rotation(line)
    new = open_signer(evidence.key, evidence.folder).verifier.key_id

    assert (before.key_id, after.key_id, sealed) == (old, new, 0)
    assert evidence.key.with_name(f"evidence-{old}.pub").exists()
    assert not evidence.key.with_suffix(".next").exists()


def test_a_rotation_that_one_of_the_keys_did_not_sign_is_none(evidence: Evidence) -> None:
    """A byte of the new key's signature is changed."""
    evidence.folder.prepare()
    rotate(evidence.key, evidence.folder)
    (line,) = signed_log.lines(evidence.folder.checkpoints)
    place = line.index(b'"accepted":"') + len(b'"accepted":"')
    digit = b"0" if line[place : place + 1] != b"0" else b"1"
    with pytest.raises(BadLine):
        read_rotation(line[:place] + digit + line[place + 1 :])


def test_a_key_that_is_gone_is_not_made_anew_over_signed_evidence(written: Evidence) -> None:
    """With a new key nothing could be proved any more."""
    written.key.unlink()
    with pytest.raises(ConfigError, match="the evidence key is gone"):
        open_signer(written.key, written.folder)
    assert not written.key.exists()
