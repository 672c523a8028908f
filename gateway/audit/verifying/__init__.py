"""Verification: signatures, hashes and roots, and proofs of single records."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.verifying.proof import check_proofs, find_records
    from gateway.audit.verifying.proof import prove as prove_record
    from gateway.audit.verifying.report import Verification
    from gateway.audit.verifying.statement import (
        certify_erasure,
        read_statement,
        state_receipt,
        state_removals,
    )
    from gateway.audit.verifying.verification import size, verify
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Verification",
    "certify_erasure",
    "check_proofs",
    "find_records",
    "prove_record",
    "read_statement",
    "size",
    "state_receipt",
    "state_removals",
    "verify",
]
