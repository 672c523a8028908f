"""The policy files that people edit, read once and checked, with the revision that names them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway.config import strict_yaml
from gateway.errors import ConfigError
from gateway.policy.source.settings import SETTINGS, library_faults, topic_faults

DATA_FILES = ("data.yaml", "data.json")
_MOST_BYTES = 16 * 1024 * 1024  # of one file
_READER = "regate.lib.settings"  # the module of the library that reads them

# The package must stand alone on its line: then no engine can read another one than we do.
_PACKAGE = re.compile(r"package[ \t]+([a-z_][a-z0-9_]*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)[ \t]*(?:#.*)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")
# main.rego hears `regate.rules.<topic>` and nothing deeper or beside it: a rule elsewhere would never speak.
_ALLOWED = re.compile(r"regate|regate\.rules\.[a-zA-Z_]\w*|regate\.lib\.[a-zA-Z_][\w.]*")
_TOPIC = re.compile(r"regate\.rules\.")
_VERDICTS = re.compile(r"^verdicts\s+contains\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Rego modules by their path below `root`, a folder or a bundle, and the data they read, in JSON.

    `revision` is a digest of the files as they stand on disk, or what the bundle calls itself; `archive` are
    the bytes of the bundle.
    """

    root: Path
    modules: Mapping[str, str]
    data_json: bytes = field(repr=False)
    revision: str
    archive: bytes = field(default=b"", repr=False, compare=False)

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
    """What `load_source` reads, and everything that it would refuse; a source with faults is not whole."""
    faults: list[ConfigError] = []
    files: dict[str, str] = {}
    for path in _walk(root, faults.append):
        with _noted(faults):
            files[path.relative_to(root).as_posix()] = _read(path)
    return _examined(root, files, _digest(files), faults), faults


def source_of(root: Path, files: Mapping[str, str], revision: str) -> PolicySource:
    """The same of files that are read already. Raises ConfigError as `load_source` does."""
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
    packages = _check_packages(root, modules, faults)
    for name, text in files.items():
        if name not in modules:
            with _noted(faults):
                _graft(data, root, name, _parse_data(root / name, text))
    if _READER in packages.values():
        faults.extend(library_faults(root, files, data))
    for name in packages:
        with _noted(faults):
            faults.extend(topic_faults(root, files, data, name))
    return PolicySource(root, modules, _json(data), revision)


@contextmanager
def _noted(faults: list[ConfigError]) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        faults.append(error)


def fingerprint(root: Path) -> tuple[tuple[object, ...], ...]:
    """What changes when a policy file does, without reading it."""
    prints = []
    for path in policy_files(root):
        try:
            state = path.stat()
        except OSError:  # went away meanwhile: the next look is different again
            continue
        prints.append((str(path), *print_of(state)))
    return tuple(prints)


def print_of(state: os.stat_result) -> tuple[int, int, int, int]:
    """What tells one state of a file from another.

    Archives and build tools set the time of a file to a fixed one, and a file system gives the inode of the
    old file to the new one: only the time of the change itself cannot be set.
    """
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def policy_files(root: Path) -> Iterator[Path]:
    """The files that `load_source` reads. Raises ConfigError as it does."""
    return _walk(root, _refuse)


def _walk(root: Path, refuse: Callable[[ConfigError], None]) -> Iterator[Path]:
    """Policy and data files in a fixed order. Hidden files and folders are editors' and git's."""
    if not root.is_dir():
        refuse(ConfigError(f"{root}: expected a folder of policy files"))
        return

    def unlisted(error: OSError) -> None:  # it may hold the rule that denies
        refuse(ConfigError(f"{error.filename}: cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*folders, *names]):
            path = Path(folder, name)
            if path.is_symlink() and name in folders:
                refuse(ConfigError(f"{path}: found a link to a folder; expected the files themselves"))
            if name in folders or name.startswith(".") or name.lower().endswith((".md", ".txt")):
                continue
            if name.endswith((".rego", ".yaml", ".yml", ".json")):
                yield path
            else:
                refuse(ConfigError(f"{path}: would be left out; expected *.rego, or data in {SETTINGS}/"))


def _refuse(error: ConfigError) -> None:
    raise error


def _read(path: Path) -> str:
    try:
        return read_plain(path, _MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text") from error


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file: a pipe or a device could keep whoever reads it, or never end.

    Raises OSError, and ConfigError when it is something else or has more than `most` bytes.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(f"{path}: expected a plain file")
        content = file.read(most + 1)
    if len(content) > most:
        raise ConfigError(f"{path}: expected at most {most} bytes")
    return content


def _check_packages(root: Path, modules: Mapping[str, str], faults: list[ConfigError]) -> dict[str, str]:
    """The package of each module that has a good one."""
    packages: dict[str, str] = {}
    for name, text in modules.items():
        with _noted(faults):
            packages[name] = _allowed_package(root / name, text)
    for package in dict.fromkeys(packages.values()):
        names = [name for name in packages if packages[name] == package]
        speaking = [name for name in names if _VERDICTS.search(modules[name])]
        if speaking and not _TOPIC.match(package):
            faults.append(
                ConfigError(
                    f"{root / speaking[0]}:1: package {package} has verdicts, which nobody hears there; "
                    "expected package regate.rules.<topic>"
                )
            )
        if _TOPIC.match(package) and not speaking:
            faults.append(
                ConfigError(
                    f"{root / names[0]}:1: package {package} has no verdicts; "
                    "expected a rule that starts with: verdicts contains"
                )
            )
    return packages


def _allowed_package(path: Path, text: str) -> str:
    package, line = _package(path, text)
    if not _ALLOWED.fullmatch(package):
        raise ConfigError(
            f"{path}:{line}: found package {package}; "
            "expected regate.rules.<topic>, regate.lib.<name> or regate itself"
        )
    return package


def _package(path: Path, text: str) -> tuple[str, int]:
    """The module's package and its line: the first thing in the file that is no comment."""
    control = _CONTROL.search(text.replace("\r\n", "\n"))
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise ConfigError(f"{path}:{line}: found the control character {control.group()!r}")
    number = 0
    for number, line_text in enumerate(text.split("\n"), 1):
        stripped = line_text.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        match = _PACKAGE.fullmatch(stripped)
        if match:
            return match.group(1), number
        break
    raise ConfigError(f"{path}:{number}: expected a package declaration on a line of its own")


def _parse_data(path: Path, text: str) -> Any:
    if path.name not in DATA_FILES:
        raise ConfigError(f"{path}: expected data in a file called {' or '.join(DATA_FILES)}")
    try:
        document = json.loads(text, object_pairs_hook=_once) if path.suffix == ".json" else strict_yaml(text)
        _check_values(document)
        return document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: expected data that JSON can express: {error}") from error


def _json(document: Any) -> bytes:
    """Return the checked document as JSON."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _check_values(document: Any) -> None:
    """Raise TypeError or ValueError on what JSON cannot express.

    Rego knows names of text only: `1:` would be the name `"1"` there. Half of a surrogate pair is no text:
    each engine would make something else of it.
    """
    if isinstance(document, dict):
        for name, value in document.items():
            if not isinstance(name, str):
                raise TypeError(f"found {name!r} as a name, expected text: put it in quotes")
            _check_values(name)
            _check_values(value)
    elif isinstance(document, list):
        for value in document:
            _check_values(value)
    elif isinstance(document, str):
        document.encode()
    elif isinstance(document, float) and not math.isfinite(document):
        raise ValueError(f"found {document}, which is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is given twice")
    return document


def _graft(data: dict[str, Any], root: Path, name: str, document: Any) -> None:
    """Root a data file at its folder, as OPA does; two files may not say the same thing."""
    folders = name.split("/")[:-1]
    if not folders or folders[0] != SETTINGS:
        raise ConfigError(f"{root / name}: found data outside {SETTINGS}/, expected {SETTINGS}/data.yaml")
    if not isinstance(document, dict):
        raise ConfigError(f"{root / name}: expected a mapping")
    node = data
    for folder in folders:
        node = node.setdefault(folder, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{root / name}: another data file has a value at {'.'.join(folders)}")
    for key, value in document.items():
        if key in node:
            raise ConfigError(f"{root / name}: {'.'.join([*folders, key])} is in another data file too")
        node[key] = value


def _digest(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        for each in (name.encode(), text.encode()):
            digest.update(len(each).to_bytes(8, "big"))
            digest.update(each)
    return digest.hexdigest()[:32]
