"""Tiles are what readers of transparency logs expect: Go's own proves lines from them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.audit.files.merkle import Frontier, leaf
from gateway.audit.files.notes import Checkpoint, log_key
from gateway.audit.files.rotation import open_signer
from gateway.audit.files.tiles import tiles
from tests.unit.audit.conftest import Evidence

ORIGIN = "acme.example/regate"
GO = Path(__file__).parents[1] / "sealing" / "note_reader"


def test_tiles_are_named_and_filled_as_c2sp_has_them() -> None:
    """The last of a level says how many it has; none is empty; the number has groups of three digits."""
    lines = [b"%d" % number for number in range(257)]
    found = dict(tiles(lines))
    assert sorted(found) == [
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/1",
    ]
    tree = Frontier()
    for line in lines[:256]:
        tree.add(line)
    assert found["tile/1/000.p/1"] == tree.root()
    assert found["tile/0/001.p/1"] == leaf(b"256")
    assert found["tile/entries/001.p/1"] == b"\0\x03256"
    assert list(tiles([])) == []
    assert "tile/0/x001/000" in dict(tiles([b""] * 256 * 1001))


@pytest.mark.skipif(
    shutil.which("go") is None and os.environ.get("REGATE_REQUIRE_GO") != "1", reason="needs Go"
)
def test_go_proves_lines_from_tiles_of_three_levels(written: Evidence, tmp_path: Path) -> None:
    """The package golang.org/x/mod/sumdb/tlog authenticates each tile against the signed checkpoint."""
    lines, tree = [b'{"line":%d}' % number for number in range(66_000)], Frontier()
    for line in lines:
        tree.add(line)
    signer = open_signer(written.key, written.folder)
    files = dict(tiles(lines)) | {
        "checkpoint": Checkpoint(ORIGIN, tree.size, tree.root().hex()).note(signer).encode()
    }
    for name, content in files.items():
        path = tmp_path / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = subprocess.run(
        ["go", "run", "./tiles", str(log_key(ORIGIN, signer.verifier)), str(tmp_path / "log")],
        cwd=GO,
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode() == "314 of 66000 lines proved", done.stderr.decode()
