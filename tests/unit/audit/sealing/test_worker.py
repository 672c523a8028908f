"""The sealer's child process."""

from __future__ import annotations

from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.writers import Register
from gateway.audit.sealing.plan import Voucher
from gateway.audit.sealing.worker import write_files
from tests.unit.audit.conftest import Evidence


def voucher(evidence: Evidence) -> tuple[str, Voucher]:
    register = Register(evidence.folder, open_signer(evidence.key, evidence.folder).verifier)
    register.read_ahead()
    (birth,) = register.born.values()
    return birth.writer, Voucher(birth.digest, tuple(key.hex() for key in register.keys(birth)))


def test_a_segment_is_proved_and_written(written: Evidence) -> None:
    """The report says which records the file has."""
    writer, vouched = voucher(written)
    (report,) = write_files(written.folder, {}, [[written.live().stem]], {writer: vouched})
    (sealed,) = report.segments
    assert (sealed["first_seq"], sealed["last_seq"], report.failed, report.refused) == (1, 10, "", {})
    assert written.folder.draft(report.file).is_file()


def test_a_segment_that_its_writer_did_not_sign_is_refused(written: Evidence) -> None:
    """Its last line is gone, and the signature with it."""
    writer, vouched = voucher(written)
    live = written.live()
    *lines, _ = live.read_bytes().splitlines(keepends=True)
    live.write_bytes(b"".join(lines).replace(b',"signature"', b',"signature"'))
    (report,) = write_files(
        written.folder, {}, [[live.stem]], {writer: Voucher("another birth", vouched.keys)}
    )
    assert report.segments == []
    assert "is not signed by its writer" in report.refused[live.stem]
