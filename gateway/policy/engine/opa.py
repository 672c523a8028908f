"""Where the `opa` binary is: $REGATE_OPA, PATH, the tool cache (which `scripts/install-opa` fills)."""

from __future__ import annotations

import os
import re
import shutil
from functools import lru_cache
from pathlib import Path
from subprocess import TimeoutExpired

from gateway.errors import ConfigError
from gateway.processes import run

PINNED = "1.22.4"
_VERSION_SECONDS = 10
_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)([-+].*)?")
GET_OPA = f"get opa {PINNED} from openpolicyagent.org and put it on PATH; in a checkout, run make setup"
_WHY_NOT_OLDER = (
    "older ones let rules vanish that deny, and take policy bundles that are not signed (GHSA-g2pf-6v5v-qcc8)"
)


def find_opa() -> Path | None:
    """Return the binary to run, or None.

    What $REGATE_OPA names may be newer than the pinned version; on PATH only the pinned one counts, because
    another one may judge the same policy differently.

    Raises ConfigError when $REGATE_OPA names no executable file, or an OPA that is older.
    """
    named = os.environ.get("REGATE_OPA")
    if named:
        if not _executable(Path(named)):
            raise ConfigError(f"REGATE_OPA: {named} is not an executable file")
        if fault := version_fault(opa_version(Path(named))):
            raise ConfigError(f"REGATE_OPA: {named} is {fault}. Run make setup, and let REGATE_OPA be")
        return Path(named).absolute()
    on_path = shutil.which("opa")
    if on_path and opa_version(Path(on_path)) == PINNED:
        return Path(on_path).absolute()
    cached = cached_opa()
    return cached if _executable(cached) else None


def cached_opa() -> Path:
    """Return where the tool cache keeps the pinned version; the file may be missing."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "regate" / f"opa-{PINNED}" / "opa"


def opa_version(opa: Path) -> str:
    """Return the version that `opa version` prints, "" when it prints none."""
    try:
        said = run(opa, "version", seconds=_VERSION_SECONDS).stdout.decode()
    except (OSError, TimeoutExpired, UnicodeDecodeError):
        return ""
    match = re.search(r"^Version: (\S+)$", said, re.MULTILINE)
    return match.group(1) if match else ""


@lru_cache(maxsize=16)
def version_fault(version: str) -> str:
    """Return what is wrong with a version of OPA, "" where it may decide."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return f"no OPA that says its version; expected {PINNED} or newer"
    numbers = [int(number) for number in found.group(1, 2, 3)]
    least = [int(number) for number in PINNED.split(".")]
    early = numbers == least and str(found.group(4)).startswith("-")  # a pre-release
    if numbers < least or early:
        return f"OPA {version}; expected {PINNED} or newer, for {_WHY_NOT_OLDER}"
    return ""


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
