"""Compare the locked dependencies and the pinned OPA with known advisories; exit code 1 where one applies.

`scripts/advisories.json` holds advisories in the form of OSV (https://ossf.github.io/osv-schema/), so that no
network is needed. Further files or folders of such advisories may be named, say a copy of a whole database.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_PINNED = re.compile(r"^VERSION=(\S+)$", re.MULTILINE)
_OPA = ("Go", "github.com/open-policy-agent/opa")


def main() -> int:
    """Print every advisory that applies to what is locked, and return the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("more", nargs="*", type=Path, help="files or folders of advisories in OSV's form")
    options.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    options.add_argument("--opa", type=Path, default=ROOT / "scripts" / "install-opa", help="what pins OPA")
    chosen = options.parse_args()
    locked = {
        ("PyPI", canonicalize_name(name)): v for name, v in _LOCKED.findall(chosen.lock.read_text("utf-8"))
    }
    pinned = _PINNED.search(chosen.opa.read_text("utf-8"))
    if not locked or pinned is None:
        print(f"{chosen.lock}, {chosen.opa}: found no version to check", file=sys.stderr)
        return 2
    locked[_OPA] = pinned.group(1)
    advisories = [
        each for file in (ROOT / "scripts" / "advisories.json", *chosen.more) for each in read(file)
    ]
    found = [line for advisory in advisories for line in applying(advisory, locked)]
    print("\n".join(found) or f"{len(locked)} versions, {len(advisories)} advisories: none applies")
    return 1 if found else 0


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Return the advisories of a file, which has one or a list, or of every file of a folder."""
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        document = json.loads(file.read_text("utf-8"))
        yield from document if isinstance(document, list) else [document]


def applying(advisory: dict[str, Any], locked: dict[tuple[str, str], str]) -> Iterator[str]:
    """Return a line for each locked version that the advisory is about."""
    for affected in advisory.get("affected", []):
        package = affected["package"]
        name = package["name"]
        key = (package["ecosystem"], canonicalize_name(name) if package["ecosystem"] == "PyPI" else name)
        version = locked.get(key)
        if version is not None and is_affected(affected, version):
            yield f"{name} {version}: {advisory['id']}: {advisory.get('summary', '')}"


def is_affected(affected: dict[str, Any], version: str) -> bool:
    """Return whether the version is listed, or lies in a range of events."""
    if version in affected.get("versions", []):
        return True
    ranges = [each["events"] for each in affected.get("ranges", []) if each["type"] != "GIT"]
    return any(_in_range(events, Version(version)) for events in ranges)


def _in_range(events: list[dict[str, str]], version: Version) -> bool:
    inside = False
    for event in sorted(events, key=lambda event: Version(next(iter(event.values())))):
        ((kind, at),) = event.items()
        if kind == "introduced" and version >= Version(at):
            inside = True
        elif (kind == "fixed" and version >= Version(at)) or (
            kind == "last_affected" and version > Version(at)
        ):
            inside = False
    return inside


if __name__ == "__main__":
    sys.exit(main())
