"""What is held, encrypted."""

from __future__ import annotations

import pytest

from gateway.approvals.completions import decrypt, decrypt_shown, digest_of, encrypt, encrypt_shown
from gateway.errors import StateUnavailable
from tests.unit.approvals.conftest import KEY


def test_a_completion_comes_back_for_its_approval_only() -> None:
    """Another approval's key does not decrypt it."""
    held = encrypt(KEY, "ap_1", b"the answer")
    digest = digest_of(KEY, "ap_1", b"the answer")
    assert b"answer" not in held
    assert decrypt(KEY, "ap_1", held, digest) == b"the answer"
    with pytest.raises(StateUnavailable):
        decrypt(KEY, "ap_2", held, digest)


def test_another_completion_than_the_approved_one_is_refused() -> None:
    """It was exchanged in the state file."""
    held = encrypt(KEY, "ap_1", b"another answer")
    with pytest.raises(StateUnavailable, match="not the approved one"):
        decrypt(KEY, "ap_1", held, digest_of(KEY, "ap_1", b"the answer"))


@pytest.mark.parametrize("damaged", [b"", b"short", bytes(64)])
def test_what_people_read_is_whole_or_refused(damaged: bytes) -> None:
    """A completion's encryption does not pass for it."""
    assert decrypt_shown(KEY, "ap_1", encrypt_shown(KEY, "ap_1", b"[]")) == b"[]"
    for other in (damaged, encrypt(KEY, "ap_1", b"[]")):
        with pytest.raises(StateUnavailable, match="cannot be read"):
            decrypt_shown(KEY, "ap_1", other)
