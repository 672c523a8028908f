"""The confinement of a process to files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_TRY = """
import sys
from pathlib import Path
from gateway.audit.reading.landlock import confine
inside, outside = map(Path, sys.argv[1:])
if not confine([inside]):
    print("no landlock")
    sys.exit()
print(inside.joinpath("file").read_text())
for act in (outside.joinpath("file").read_text, inside.joinpath("new").touch):
    try:
        act()
    except PermissionError:
        print("refused")
"""


def test_a_confined_process_reads_what_it_is_given_and_nothing_else(tmp_path: Path) -> None:
    """It reads one folder, not the other, and writes into neither."""
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    said = subprocess.run(
        [sys.executable, "-c", _TRY, tmp_path / "inside", tmp_path / "outside"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split("\n")[:-1] in (["text", "refused", "refused"], ["no landlock"])
