"""Where the `opa` binary is: $REGATE_OPA, PATH, the tool cache (which `scripts/install-opa` fills)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from gateway.errors import ConfigError

PINNED = "1.22.4"
_VERSION_SECONDS = 10


def find_opa() -> Path | None:
    """The binary to run, or None.

    What $REGATE_OPA names is taken at its word; on PATH only the pinned version counts, because another one
    may judge the same policy differently.

    Raises ConfigError when $REGATE_OPA names no executable file.
    """
    named = os.environ.get("REGATE_OPA")
    if named:
        if not _executable(Path(named)):
            raise ConfigError(f"REGATE_OPA: {named} is not an executable file")
        return Path(named).absolute()
    on_path = shutil.which("opa")
    if on_path and opa_version(Path(on_path)) == PINNED:
        return Path(on_path).absolute()
    cached = cached_opa()
    return cached if _executable(cached) else None


def cached_opa() -> Path:
    """Where the tool cache keeps the pinned version, there or not."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "regate" / f"opa-{PINNED}" / "opa"


def opa_version(opa: Path) -> str:
    """What `opa version` says, "" when it says nothing of the kind."""
    try:
        run = subprocess.run(  # noqa: S603 - the operator's own binary, no shell
            [opa, "version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    match = re.search(r"^Version: (\S+)$", run.stdout, re.MULTILINE)
    return match.group(1) if match else ""


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
