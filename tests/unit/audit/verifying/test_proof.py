"""One record proved without the rest, and the key's rotations."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.audit.files.line import with_signature
from gateway.audit.files.rotation import rotate
from gateway.audit.files.signing import load_verifier
from gateway.audit.verifying.proof import ProofFailed, check_proofs, find_records, prove
from gateway.errors import ConfigError
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import Command


@pytest.fixture
def proved(evidence: Evidence) -> Evidence:
    """Twenty records of one chain, in sealed files of one and several segments and in a live one."""
    journal = evidence.journal(segment_bytes=3000)
    for number in range(12):
        journal.record_sync(decision(number))
    evidence.sealer(bury=0).seal()
    evidence.sealer(bury=0).seal()
    for number in range(12, 20):
        journal.record_sync(decision(number))
    journal.close()
    evidence.sealer(gather=3600).seal(sign=True)
    return evidence


def test_every_record_is_proved_wherever_it_is(proved: Evidence) -> None:
    trusted = load_verifier(proved.key.with_suffix(".pub"))
    writer = proved.journals[0].writer
    assert proved.folder.sealed_files()

    for seq in range(1, 21):
        (held,) = check_proofs(prove(proved.root, writer, seq), trusted)
        assert (held.writer, held.seq, held.body) == (writer, seq, True)


def test_a_record_is_found_by_decision_exchange_and_place(proved: Evidence) -> None:
    writer = proved.journals[0].writer

    assert find_records(proved.root, "de_4") == [(writer, 5)]
    assert find_records(proved.root, "ex_4") == [(writer, 5)]
    assert find_records(proved.root, f"{writer}:5") == [(writer, 5)]
    with pytest.raises(ProofFailed, match="no record of 'de_99'"):
        find_records(proved.root, "de_99")
    with pytest.raises(ProofFailed, match="no head is signed over"):
        prove(proved.root, writer, 21)


def test_a_proof_without_the_body_holds_and_does_not_tell_it(proved: Evidence) -> None:
    proof = prove(proved.root, proved.journals[0].writer, 5, body=False)

    assert b'"body":{' not in proof
    (held,) = check_proofs(proof, load_verifier(proved.key.with_suffix(".pub")))
    assert not held.body


@pytest.mark.parametrize("body", [True, False])
def test_no_byte_of_what_a_proof_says_can_be_changed(proved: Evidence, body: bool) -> None:
    proof = prove(proved.root, proved.journals[0].writer, 5, body=body)
    trusted = load_verifier(proved.key.with_suffix(".pub"))
    steps = proof.index(b"\n") + 1
    for place in range(steps, len(proof.rstrip())):
        for byte in (proof[place] ^ 1, *(b"1" if proof[place] == ord("0") else b"0")):
            with pytest.raises(ProofFailed):
                check_proofs(proof[:place] + bytes([byte]) + proof[place + 1 :], trusted)


def test_a_signature_that_proves_nothing_is_refused(proved: Evidence) -> None:
    proof = prove(proved.root, proved.journals[0].writer, 5).split(b"\n")
    proof[1] = with_signature(proof[1] + b"\n", bytes(64))[:-1]
    with pytest.raises(ProofFailed, match="what proves nothing"):
        check_proofs(b"\n".join(proof), load_verifier(proved.key.with_suffix(".pub")))


def test_a_planted_head_proves_nothing(proved: Evidence, tmp_path: Path) -> None:
    """A line that was slipped into the log is under the next honest root, but nobody signed it."""
    forged = Evidence(tmp_path / "forged")
    journal = forged.journal()
    journal.record_sync(decision(66))
    journal.close()
    planted = forged.folder.checkpoints.read_bytes()
    with proved.folder.checkpoints.open("ab") as file:
        file.write(planted)
    proved.folder.live(f"{journal.writer}-000001").write_bytes(forged.live().read_bytes())
    proved.sealer(gather=3600).seal(sign=True)

    proof = prove(proved.root, journal.writer, 1)
    with pytest.raises(ProofFailed, match="is signed by the key"):
        check_proofs(proof, load_verifier(proved.key.with_suffix(".pub")))


def test_a_proof_is_written_and_checked_by_commands_without_the_folder(
    proved: Evidence, tmp_path: Path
) -> None:
    regate = Command(tmp_path)
    assert "1 records proved in decision.proof" in regate("audit", "prove", "de_4", "--out", "decision.proof")
    auditor = tmp_path / "auditor"
    auditor.mkdir()
    for path in (tmp_path / "decision.proof", proved.key.with_suffix(".pub")):
        path.rename(auditor / path.name)
    (tmp_path / "regate.yaml").unlink()

    here = ("--proof", "auditor/decision.proof", "--public-key", "auditor/evidence.pub")
    assert f"{proved.journals[0].writer}:5 of 20" in regate("audit", "verify", *here)
    told = (auditor / "decision.proof").read_text().replace('"number":4', '"number":5')
    (auditor / "decision.proof").write_text(told)
    assert "the record does not hold: its body was changed" in regate("audit", "verify", *here, code=1)


def test_either_key_proves_what_was_signed_before_and_after_a_rotation(proved: Evidence) -> None:
    before = proved.key.with_suffix(".pub").read_bytes()
    old, new = rotate(proved.key, proved.folder)
    journal = proved.journal()
    journal.record_sync(decision(20))
    journal.close()
    proved.sealer().seal()
    kept = proved.key.with_name(f"evidence-{old}.pub")
    assert kept.read_bytes() == before
    assert load_verifier(proved.key.with_suffix(".pub")).key_id == new

    from gateway.audit.verifying.verification import verify

    for public in (kept, proved.key.with_suffix(".pub")):
        report = verify(proved.root, public)
        assert report.breaks == []
        assert (report.records, report.unsigned) == (21, 0)
        for writer, seq in ((proved.journals[0].writer, 3), (journal.writer, 1)):
            assert check_proofs(prove(proved.root, writer, seq), load_verifier(public))


def test_a_running_gateway_signs_with_the_new_key_at_once(evidence: Evidence) -> None:
    journal = evidence.journal(sign_seconds=0)
    journal.record_sync(decision(1))
    rotate(evidence.key, evidence.folder)
    journal.record_sync(decision(2))
    journal.close()

    assert evidence.verify().breaks == []


def test_a_replaced_key_signs_nothing_more(evidence: Evidence, tmp_path: Path) -> None:
    """Whoever stole it before its rotation can no longer add a head."""
    journal = evidence.journal()
    journal.record_sync(decision(1))
    journal.close()
    stolen = tmp_path / "stolen.key"
    stolen.write_bytes(evidence.key.read_bytes())
    stolen.chmod(0o600)
    rotate(evidence.key, evidence.folder)

    from gateway.audit.files.disk import Disk
    from gateway.audit.files.signed_log import append
    from gateway.audit.files.signing import Signer

    head = {"kind": "head", "writer": journal.writer, "segment": "", "seq": 2, "hash": "", "tree": ""}
    with pytest.raises(OSError, match="rotation"):
        append(evidence.folder.checkpoints, head, Signer(stolen), Disk())
    evidence.sealer().seal(sign=True)
    append(evidence.folder.checkpoints, head, Signer(stolen), Disk())
    (found,) = evidence.verify().breaks
    assert "it is signed by the key" in found.reason


def test_another_key_than_the_one_that_signed_stops_the_start(evidence: Evidence) -> None:
    evidence.journal().record_sync(decision(1))
    evidence.journals[0].close()
    evidence.key.unlink()
    evidence.key.with_suffix(".pub").unlink()

    with pytest.raises(ConfigError, match="the evidence key is gone"):
        evidence.sealer()
    other = Evidence(evidence.root.parent / "other")
    other.journal()
    other.key.rename(evidence.key)
    with pytest.raises(ConfigError, match="another key signed it"):
        evidence.sealer()


def test_the_rotation_command_leaves_a_record(evidence: Evidence, tmp_path: Path) -> None:
    regate = Command(tmp_path)
    evidence.journal().record_sync(decision(1))
    evidence.journals[0].close()

    assert "was replaced by" in regate("audit", "rotate-key")
    assert "intact: 2 records" in regate("audit", "verify")
    (body,) = evidence.rows("SELECT body FROM records WHERE code = 'key_rotated'")
    log = map(orjson.loads, evidence.folder.checkpoints.read_bytes().splitlines())
    (rotation,) = [line for line in log if line["kind"] == "rotation"]
    assert body[0]["from"] == rotation["key"]
