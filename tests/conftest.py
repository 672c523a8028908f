"""What holds for every test: the checkout is importable, and no time of a shared machine decides."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import weakref
from asyncio.base_subprocess import BaseSubprocessTransport
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# `tests.support` is one package however pytest is started
_ROOT = str(Path(__file__).parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from tests.support.effort import THOROUGH  # noqa: E402 - importable only from here on

# The same examples each time, so that a run says something of the change and not of chance.
settings.register_profile("regate", deadline=None, derandomize=not THOROUGH)
settings.load_profile("regate")

# A test makes, syncs and deletes hundreds of small files: in memory, where there is room.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 6 * 1024**3
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

_opened: weakref.WeakKeyDictionary[BaseSubprocessTransport, Any] = weakref.WeakKeyDictionary()
_open = BaseSubprocessTransport.__init__


def _note(transport: BaseSubprocessTransport, loop: Any, *of: Any, **named: Any) -> None:
    _opened[transport] = loop
    _open(transport, loop, *of, **named)


BaseSubprocessTransport.__init__ = _note  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Look for no garbage among modules and tests, while they are collected and later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Fail the test that leaves a child process behind, not the one during which it is collected."""
    yield
    left = [child for child, loop in _opened.items() if loop.is_closed() and not child._closed]  # type: ignore[attr-defined]
    for child in left:
        del _opened[child]
    assert not left, f"left behind: {left}"
