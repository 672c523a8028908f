"""What holds for every test: the checkout is importable, and no time of a shared machine decides."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from hypothesis import settings

# `tests.support` is one package however pytest is started
_ROOT = str(Path(__file__).parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

settings.register_profile("regate", deadline=None)
settings.load_profile("regate")

# A test makes, syncs and deletes hundreds of small files: in memory, where there is room.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 6 * 1024**3
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
