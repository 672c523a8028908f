"""The register of writers."""

from __future__ import annotations

from pathlib import Path

from gateway.audit.files import signed_log
from gateway.audit.files.rotation import open_signer, rotate
from gateway.audit.files.signing import load_signer
from gateway.audit.journal.writers import Register, is_free, sign_birth, sign_end, signed_head
from tests.unit.audit.conftest import Evidence


def test_births_and_ends_are_read_as_they_come(evidence: Evidence) -> None:
    """The key that a writer may sign with is that of its birth, and those after it."""
    folder = evidence.folder
    folder.prepare()
    signer = open_signer(evidence.key, folder)
    register = Register(folder, signer.verifier)
    digest = sign_birth(folder, signer, "w1")
    register.read_ahead()
    birth = register.of("w1-000001")
    assert birth is not None
    assert (birth.writer, birth.digest) == ("w1", digest)
    assert register.of("w2-000001") is None
    assert not is_free("w1-000001", register)

    sign_end(folder, signer, "w1-000001")
    rotate(evidence.key, folder)
    register.read_ahead()
    assert is_free("w1-000001", register)
    assert len(register.keys(birth)) == len(register.ring()) == 2


def test_a_birth_of_a_foreign_key_or_out_of_its_place_does_not_count(
    evidence: Evidence, tmp_path: Path
) -> None:
    """One is signed by another key, one changed, and one cut from the log of another folder of this key."""
    folder = evidence.folder
    folder.prepare()
    signer = open_signer(evidence.key, folder)
    foreign = load_signer(evidence.key.with_name("foreign.key"), folder.disk)
    sign_birth(folder, signer, "w1")
    sign_birth(folder, foreign, "w2")
    elsewhere = Evidence(tmp_path / "elsewhere").folder
    elsewhere.prepare()
    sign_birth(elsewhere, signer, "w4")
    first = signed_log.lines(folder.checkpoints)[0]
    with folder.checkpoints.open("ab") as log:
        log.write(first.replace(b'"w1"', b'"w3"') + b"\n" + elsewhere.checkpoints.read_bytes())
    register = Register(folder, signer.verifier)
    register.read_ahead()
    assert set(register.born) == {"w1"}


def test_the_last_head_of_a_writer_is_found(written: Evidence) -> None:
    """Ten records were written and signed."""
    verifier = open_signer(written.key, written.folder).verifier
    writer = written.live().stem.partition("-")[0]
    seq, digest = signed_head(written.folder, [verifier], writer)
    assert seq == 10
    assert f'"hash":"{digest}"'.encode() in written.live().read_bytes()
    assert signed_head(written.folder, [verifier], "w0") == (0, "")
