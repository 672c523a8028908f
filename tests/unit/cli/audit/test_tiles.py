"""`regate audit tiles`: the log of heads as static files."""

from __future__ import annotations

from tests.unit.audit.conftest import Evidence
from tests.unit.cli.audit.conftest import Command


def test_tiles_are_those_of_the_log_up_to_its_checkpoint(regate: Command, written: Evidence) -> None:
    """A log without the root that was cosigned gives none, and neither does one without an origin."""
    assert "set audit.origin" in regate("audit", "tiles", "out", code=2)
    with regate.folder.joinpath("regate.yaml").open("a") as file:
        file.write("audit: {origin: acme.example/regate}\n")
    regate("audit", "seal")
    note, out = written.folder.checkpoint.read_text(), regate.folder / "out"
    size = int(note.split("\n")[1])
    assert f"2 new tiles over {size} lines" in regate("audit", "tiles", "out")
    assert (out / "checkpoint").read_text() == note
    assert (out / f"tile/0/000.p/{size}").stat().st_size == 32 * size
    written.folder.checkpoints.write_bytes(b"")
    assert "the log has no such root" in regate("audit", "tiles", "out", code=1)
