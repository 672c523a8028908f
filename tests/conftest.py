"""What holds for every test: the checkout is importable, and no time of a shared machine decides."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# `tests.support` is one package however pytest is started
_ROOT = str(Path(__file__).parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

settings.register_profile("regate", deadline=None)
settings.load_profile("regate")
