"""A desk, which the admin API and the console stand on without a data path; and the whole application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.application import Opened, opener
from tests.support.desk import Desk, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return opener(tmp_path)
