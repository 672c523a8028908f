"""The application in this process, over its real parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.application import Opened, opener
from tests.support.spoken import spoken

__all__ = ["opened", "spoken"]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return opener(tmp_path)
