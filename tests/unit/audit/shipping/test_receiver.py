"""Certificates of receivers, and our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.shipping.receiver import NotTaken, tls_context
from tests.support.tls import certificate


def test_our_own_certificate_is_shown_and_a_broken_one_told_of(tmp_path: Path) -> None:
    pem, secret = certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(pem.read_bytes() + secret.read_bytes())
    assert len(tls_context(pem, both).get_ca_certs()) == 1
    with pytest.raises(NotTaken, match=r"tls\.pem"):
        tls_context(None, pem)
