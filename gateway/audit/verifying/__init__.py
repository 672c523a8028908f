"""Verification: signatures, hashes and roots, and proofs of single records."""

from gateway.audit.verifying.verify import (
    Report,
    size,
    verify,
)

__all__ = [
    "Report",
    "size",
    "verify",
]
