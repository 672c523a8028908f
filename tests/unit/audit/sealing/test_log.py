"""The seals as the sealer may act on them."""

from __future__ import annotations

import pytest

from gateway.audit.files import signed_log
from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.writers import Register
from gateway.audit.sealing.log import SealingFailed, SealLog
from tests.unit.audit.conftest import Evidence


def test_lines_are_checked_where_they_stand(evidence: Evidence) -> None:
    """A line of another place stops the sealer."""
    folder = evidence.folder
    folder.prepare()
    signer = open_signer(evidence.key, folder)
    log = SealLog(folder, Register(folder, signer.verifier))
    signed_log.append(folder.seals, {"kind": "dropped", "path": "a"}, signer, folder.disk)
    signed_log.append(folder.seals, {"kind": "dropped", "path": "b"}, signer, folder.disk)
    assert [line["path"] for line in log.lines() if line["kind"] == "dropped"] == ["a", "b"]

    first, _ = signed_log.lines(folder.seals)
    with folder.seals.open("ab") as file:
        file.write(first + b"\n")
    with pytest.raises(SealingFailed, match=":3: it does not follow the line before it"):
        log.lines()
