"""Signed statements: what was removed in a time, that an erasure was done, that a receipt was given.

A statement is one signed line, then the rotations of the evidence key; an empty line ends it. It is checked
with the public key alone. What it says of the evidence was proved when it was signed, up to the places in
both logs that it names: a later copy of the folder holds the same lines there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.log_lines import Document
from gateway.audit.files.signing import BadLine, Signer, Verifier
from gateway.audit.sealing.orders import Order
from gateway.audit.verifying.proof import ProofFailed, successors
from gateway.audit.verifying.report import Verification
from gateway.audit.verifying.verification import verify

Kind = Literal["erasure_certificate", "removals_statement", "receipt"]


def certify_erasure(
    root: Path, signer: Signer, public_key: Path, person: str, order: Order, counted: dict[str, int]
) -> bytes:
    """Prove the evidence, then certify that what an order named is erased.

    `counted` says how many records and exchanges that was. Raises ProofFailed when the evidence is not
    intact, and OSError.
    """
    report = verify(root, public_key)
    said = {"person": person, "order": order.id, "key_id": order.key_id, "ordered_at": order.before}
    return _state(root, signer, "erasure_certificate", {**said, **counted}, report)


def state_removals(root: Path, signer: Signer, report: Verification, since: str) -> bytes:
    """State what was removed since a time, and that nothing else was. Raises ProofFailed and OSError."""
    return _state(root, signer, "removals_statement", {"since": since, "removed": report.removed}, report)


def state_receipt(root: Path, signer: Signer, claims: Mapping[str, object]) -> bytes:
    """State that the gateway gave a receipt with these claims. Raises OSError."""
    return _state(root, signer, "receipt", claims)


def read_statement(data: bytes, trusted: Verifier) -> Document | None:
    """Return what a signed statement says; None where the file is none. Raises ProofFailed on a bad one."""
    line, *rotations = data.rstrip(b"\n").split(b"\n")
    try:
        document = orjson.loads(line)
        if document.get("kind") not in get_args(Kind):
            return None
        return successors(rotations, trusted).get(document["key"], trusted).read(line)
    except BadLine as error:
        raise ProofFailed(f"the statement does not hold: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _state(
    root: Path,
    signer: Signer,
    kind: Kind,
    said: Mapping[str, object],
    report: Verification | None = None,
) -> bytes:
    folder = Folder(root)
    logs = {name: signed_log.lines(path) for name, path in
            (("checkpoints", folder.checkpoints), ("seals", folder.seals))}  # fmt: skip
    ends = {
        name: {"lines": len(lines), "last": hashlib.sha256(lines[-1]).hexdigest() if lines else ""}
        for name, lines in logs.items()
    }
    proved: dict[str, object] = {}
    if report:
        if not report.intact:
            raise ProofFailed(f"the evidence is not intact: {report.breaks[0]}")
        proved = {"records_proved": report.records, "chains": report.chains, "intact": True}
    line = signer.line({"kind": kind, **said, **proved, **ends, "signed_at": stamp(datetime.now(UTC))})
    rotations = [line for line in logs["checkpoints"] if line.startswith(b'{"kind":"rotation"')]
    return line + b"".join(rotation + b"\n" for rotation in rotations) + b"\n"
