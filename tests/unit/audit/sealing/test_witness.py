"""Witnesses cosign what grew, and nothing else; Go's own implementation reads what they signed."""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.files import load_verifier, log_key
from gateway.audit.files.notes import COSIGNATURE, NoteKey
from gateway.config import Witness
from tests.unit.audit.conftest import Evidence, serving
from tests.unit.audit.files.test_merkle import grew

ORIGIN = "acme.example/regate"
GO = Path(__file__).with_name("note_reader")


class Cosigner(HTTPServer):
    """A witness as C2SP has it: it keeps one checkpoint, and checks that each grew out of the one before."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AddCheckpoint)
        self._secret = Ed25519PrivateKey.generate()
        self.key = NoteKey("w1.example", COSIGNATURE, self._secret.public_key().public_bytes_raw())
        self.size, self.root = 0, b""

    @property
    def setting(self) -> Witness:
        return Witness(f"http://127.0.0.1:{self.server_port}/", str(self.key))

    def add(self, request: str) -> tuple[int, str]:
        old, _, rest = request.partition("\n")
        proof, _, note = rest.partition("\n\n") if not rest.startswith("\n") else ("", "", rest[1:])
        if int(old.removeprefix("old ")) != self.size:
            return 409, f"{self.size}\n"
        text = note.partition("\n\n")[0] + "\n"
        _, size, root = text.split("\n")[:3]
        hashes = [b64decode(line) for line in proof.split("\n") if line]
        if self.size and not grew(self.size, self.root, int(size), b64decode(root), hashes):
            return 422, ""
        self.size, self.root = int(size), b64decode(root)
        signature = self._secret.sign(f"cosignature/v1\ntime 1764000000\n{text}".encode())
        return 200, self.key.line((1764000000).to_bytes(8, "big") + signature)


class _AddCheckpoint(BaseHTTPRequestHandler):
    server: Cosigner

    def do_POST(self) -> None:
        status, answer = self.server.add(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def witness() -> Iterator[Cosigner]:
    server = Cosigner()
    with serving(server):
        yield server


def test_each_root_is_cosigned_as_it_grows_also_by_another_process(
    evidence: Evidence, witness: Cosigner
) -> None:
    """The second sealer does not know what the witness has seen, and is told."""
    for _ in range(2):
        sealer = evidence.sealer(origin=ORIGIN, witnesses=[witness.setting])
        for number in range(3):
            evidence.record(number)
            sealer.seal(sign=True)
            assert sealer.witnesses.well()
    report = evidence.verify(witnesses=[str(witness.key)])
    assert (report.breaks, report.witnessed, report.notes) == ([], 1, [])
    assert witness.size == int(evidence.folder.checkpoint.read_text("utf-8").split("\n")[1])


def test_a_folder_that_was_rolled_back_is_cosigned_no_more(evidence: Evidence, witness: Cosigner) -> None:
    """What was cosigned before is not in the log: verification says so."""
    sealer = evidence.sealer(origin=ORIGIN, witnesses=[witness.setting])
    evidence.record(0)
    sealer.seal(sign=True)
    before = evidence.folder.checkpoints.read_bytes()
    evidence.record(1)
    sealer.seal(sign=True)
    evidence.folder.checkpoints.write_bytes(before)
    assert "was cosigned, and the log has another one or none" in str(
        evidence.verify(witnesses=[str(witness.key)]).breaks
    )
    for number in range(3):  # at first shorter than what was seen, then longer
        evidence.record(number)
        fresh = evidence.sealer(origin=ORIGIN, witnesses=[witness.setting])
        fresh.seal(sign=True)
        assert not fresh.witnesses.well()
    assert evidence.verify(witnesses=[str(witness.key)]).witnessed == 0


@pytest.mark.skipif(
    shutil.which("go") is None and os.environ.get("REGATE_REQUIRE_GO") != "1", reason="needs Go"
)
def test_go_reads_the_note_and_both_signatures(evidence: Evidence, witness: Cosigner, tmp_path: Path) -> None:
    """The package golang.org/x/mod/sumdb/note knows nothing of ours."""
    evidence.record(0)
    evidence.sealer(origin=ORIGIN, witnesses=[witness.setting]).seal(sign=True)
    ours = log_key(ORIGIN, load_verifier(evidence.key.with_suffix(".pub")))
    done = subprocess.run(
        ["go", "run", ".", str(ours), str(witness.key)],
        cwd=GO,
        input=evidence.folder.checkpoint.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode() == f"2 signatures of {ORIGIN}", done.stderr.decode()
