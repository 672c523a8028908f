"""A policy as files: Rego modules and the data they read, checked, with the revision that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.policy.source.data import graft, parse_data, to_json
from gateway.policy.source.faults import noted
from gateway.policy.source.files import read_text, walk
from gateway.policy.source.names import misspelt_topics
from gateway.policy.source.packages import check_packages
from gateway.policy.source.settings import library_faults, topic_faults
from gateway.policy.source.tables import NO_TABLES, Tables

_READER = "regate.lib.settings"  # the module of the library that reads them


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Rego modules by their path below `root`, a folder or a bundle, and the data they read, in JSON.

    `revision` is a digest of the files as they stand on disk, or what the bundle calls itself; `archive` are
    the bytes of the bundle. `tables` are beside it, and make no other policy of it.
    """

    root: Path
    modules: Mapping[str, str]
    data_json: bytes = field(repr=False)
    revision: str
    archive: bytes = field(default=b"", repr=False, compare=False)
    tables: Tables = field(default=NO_TABLES, compare=False)

    @property
    def data(self) -> dict[str, Any]:
        """The data, read anew each time: a gateway hands the bytes on, and only commands look inside."""
        found: dict[str, Any] = json.loads(self.data_json)
        return found


def load_source(root: Path) -> PolicySource:
    """Read every policy file below `root`.

    Raises ConfigError, with file and line, on a file that cannot be read, a package outside `regate`, data
    outside `settings`, settings of another shape than the rules expect, and a topic that says nothing.
    """
    source, faults = examine(root)
    if faults:
        raise faults[0]
    return source


def examine(root: Path) -> tuple[PolicySource, list[ConfigError]]:
    """Read as `load_source` does, and return all faults; a source with faults is not whole."""
    faults: list[ConfigError] = []
    files: dict[str, str] = {}
    for path in walk(root, faults.append):
        with noted(faults):
            files[path.relative_to(root).as_posix()] = read_text(path)
    return _examined(root, files, _digest(files), faults), faults


def is_library(source: PolicySource) -> bool:
    """Return whether its rules read the shipped settings."""
    return _READER in check_packages(source.root, source.modules, []).values()


def source_of(root: Path, files: Mapping[str, str], revision: str) -> PolicySource:
    """Check files that are read already. Raises ConfigError as `load_source` does."""
    faults: list[ConfigError] = []
    source = _examined(root, files, revision, faults)
    if faults:
        raise faults[0]
    return source


def _examined(root: Path, files: Mapping[str, str], revision: str, faults: list[ConfigError]) -> PolicySource:
    data: dict[str, Any] = {}
    modules = {name: text for name, text in files.items() if name.endswith(".rego")}
    if not modules and not faults:
        faults.append(ConfigError(f"{root}: expected Rego files (*.rego), found none"))
    packages = check_packages(root, modules, faults)
    for name, text in files.items():
        if name not in modules:
            with noted(faults):
                graft(data, root, name, parse_data(root / name, text))
    if _READER in packages.values():
        faults.extend(library_faults(root, files, data))
        faults.extend(misspelt_topics(root, files, data))
    for name in packages:
        with noted(faults):
            faults.extend(topic_faults(root, files, data, name))
    return PolicySource(root, modules, to_json(data), revision)


def _digest(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        for each in (name.encode(), text.encode()):
            digest.update(len(each).to_bytes(8, "big"))
            digest.update(each)
    return digest.hexdigest()[:32]
