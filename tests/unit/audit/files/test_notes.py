"""Signed notes, their keys, and checkpoints in them."""

from __future__ import annotations

import pytest

from gateway.audit.files.notes import ED25519, Checkpoint, NoteKey, log_key
from gateway.audit.files.signing import load_signer
from tests.unit.audit.conftest import Evidence

# From the documentation of golang.org/x/mod/sumdb/note.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_a_note_that_others_wrote_is_read() -> None:
    """Its key is written as it was read, and no other text holds."""
    key = NoteKey.parse(KEY)
    assert str(key) == KEY
    assert key.signed(NOTE)
    assert not key.signed(NOTE.replace("answer", "problem"))
    assert not key.signed(NOTE.replace("x08go", "x08g*"))


@pytest.mark.parametrize(
    "text", ["", "a", "a+00+b", KEY[:-4], KEY.replace("c74f20a3", "c74f20a4"), KEY + "="]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        NoteKey.parse(text)


def test_a_checkpoint_is_read_as_it_was_signed(evidence: Evidence) -> None:
    """It is our root, under the name that witnesses know the log by."""
    evidence.root.parent.joinpath("state").mkdir(mode=0o700)
    signer = load_signer(evidence.key, evidence.folder.disk)
    made = Checkpoint.of("acme.example/log", b'{"kind":"root","size":7,"root":"%b"}' % (b"ab" * 32))
    note = made.note(signer)
    assert Checkpoint.read(note) == made == Checkpoint("acme.example/log", 7, "ab" * 32)
    assert log_key("acme.example/log", signer.verifier).signed(note)
    assert not NoteKey("other.example", ED25519, signer.verifier.raw).signed(note)
