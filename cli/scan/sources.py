"""The files of a code base that are scanned, and who owns them."""

from __future__ import annotations

import os
import re
import subprocess
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gateway.errors import ConfigError

_LARGEST = 2 * 1024 * 1024  # bytes
_OTHERS = frozenset({".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox"})
_OURS = ("regate.yaml", "regate.yml")  # the gateway is meant to call providers
_OWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of text. `name` is its path from the root, with slashes."""

    name: str
    text: str


class CodeBase:
    """What lies at some paths. `unread` are files that could not be read, `large` those that are no code."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises ConfigError when one of the paths does not exist."""
        for path in paths:
            if not path.exists():
                raise ConfigError(f"{path}: there is no such file or folder")
        self._paths = paths
        self.unread: list[str] = []
        self.large: list[str] = []

    @cached_property
    def root(self) -> Path:
        """The folder of the repository around the first path; without one, the first folder."""
        first = self._paths[0].resolve()
        folder = first if first.is_dir() else first.parent
        return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)

    @cached_property
    def owners(self) -> Owners:
        """What CODEOWNERS says."""
        found = next((self.root / name for name in _OWNERS if _is_ours(self.root / name)), None)
        return Owners(found.read_text("utf-8", "replace") if found else "")

    def sources(self) -> Iterator[SourceFile]:
        """Yield each file of text once, in the order of names."""
        for path in sorted({file for place in self._paths for file in _files(place)}):
            name = Path(os.path.relpath(path, self.root)).as_posix()
            try:
                if path.stat().st_size > _LARGEST:
                    self.large.append(f"{name}: larger than {_LARGEST >> 20} MiB")
                    continue
                data = path.read_bytes()
            except OSError as error:
                self.unread.append(f"{name}: {error.strerror}")
                continue
            encoding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
            if path.name not in _OURS and (encoding == "utf-16" or b"\0" not in data[:8192]):
                yield SourceFile(name, data.decode(encoding, "replace"))


class Owners:
    """Who owns which file, as GitHub and GitLab read CODEOWNERS: the last pattern that fits decides."""

    def __init__(self, text: str) -> None:
        lines = (line.split("#", 1)[0].split() for line in text.splitlines())
        # sections of GitLab, `[Name]`, name owners for what follows: their patterns count as ever
        rows = [line for line in lines if line and not line[0].startswith(("[", "^["))]
        self._rules = [(_Pattern.of(row[0]), tuple(row[1:])) for row in rows]

    def of(self, name: str) -> tuple[str, ...]:
        """Return the owners of a file; none when no pattern fits, or the last one that does names none."""
        return next((owners for one, owners in reversed(self._rules) if one.matches(name)), ())


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern, segment by segment: `**` is any number of them. Matched in linear time."""

    segments: tuple[re.Pattern[str] | None, ...]
    is_deep: bool  # whether what lies below counts, too
    is_folder: bool

    @classmethod
    def of(cls, pattern: str) -> _Pattern:
        anchored = "/" in pattern.rstrip("/")
        pieces = [piece for piece in pattern.split("/") if piece]
        segments = [None if piece == "**" else _segment(piece) for piece in pieces]
        # `docs/*` is for the files of that folder alone
        is_deep = not pattern.endswith("/*") or not anchored
        return cls((*([] if anchored else [None]), *segments), is_deep, pattern.endswith("/"))

    def matches(self, name: str) -> bool:
        """Return whether the file, or a folder that holds it, is meant."""
        parts, states = name.split("/"), self._closed({0})
        for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
            states = self._closed(set(self._after(states, part)))
            is_whole = self.is_deep if left else not self.is_folder
            if len(self.segments) in states and is_whole:
                return True
        return False

    def _after(self, states: set[int], part: str) -> Iterator[int]:
        for at in states - {len(self.segments)}:
            segment = self.segments[at]
            if segment is None:
                yield at
            elif segment.fullmatch(part):
                yield at + 1

    def _closed(self, states: set[int]) -> set[int]:
        """Add what is reached over `**` that stand for nothing."""
        for at in sorted(states):
            while at < len(self.segments) and self.segments[at] is None:
                at += 1
                states.add(at)
        return states


def _segment(piece: str) -> re.Pattern[str]:
    """Return the pattern of one segment. What follows a star is taken where it comes first, for good."""
    first, *rest = re.split(r"\*+", piece)
    if not rest:
        return re.compile(_plain(first))
    middle = "".join(f"(?>.*?{_plain(text)})" for text in rest[:-1] if text)
    return re.compile(f"{_plain(first)}{middle}.*{_plain(rest[-1])}")


def _plain(text: str) -> str:
    return re.escape(text).replace(r"\?", ".")


def _files(path: Path) -> Iterator[Path]:
    """Yield the files below a path that are regular ones; what git ignores is left out."""
    if path.is_file():
        yield path.resolve()
        return
    listed = _listed(path)
    found = (path.resolve() / name for name in listed) if listed is not None else _walked(path.resolve())
    for file in found:
        if _is_ours(file):
            yield file
        elif file.is_dir() and not file.is_symlink():  # a submodule, or a repository within
            yield from _files(file)


def _is_ours(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _listed(folder: Path) -> list[str] | None:
    """Return what git knows of a folder; None where there is no git, or no repository."""
    # A repository's own settings can name programs that git starts: none of them here.
    git = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others"]
    try:
        listing = subprocess.run([*git, "--exclude-standard"], cwd=folder, capture_output=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _OTHERS]
        yield from (Path(place, name) for name in names)
