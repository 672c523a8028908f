"""Tiles of the log of heads as C2SP's tlog-tiles has them: static files, of which readers need but a few.

tile/0/x001/067           256 hashes of lines, 32 bytes each
tile/0/x001/068.p/12      the last of them, as long as it has but 12
tile/1/004                256 hashes, each over a whole tile of the level below
tile/entries/x001/067     the lines, each behind its length in two bytes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.merkle import Frontier, leaf, node
from gateway.audit.files.notes import Checkpoint
from gateway.processes import replace

_WIDTH = 256


def write_tiles(folder: Folder, out: Path) -> tuple[int, int]:
    """Write the tiles that are not there yet, then the checkpoint; return how many, and over how many lines.

    Raises ValueError when the log does not have the root that was cosigned, and OSError, also without one.
    """
    note = folder.checkpoint.read_text("utf-8")
    said, tree, made = Checkpoint.read(note), Frontier(), 0
    lines = signed_log.lines(folder.checkpoints)[: said.size]
    for line in lines:
        tree.add(line)
    if (tree.size, tree.root().hex()) != (said.size, said.root):
        raise ValueError(f"{folder.checkpoint}: the log has no such root; see regate audit verify")
    for name, content in tiles(lines):
        path = out / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, content, 0o644)
            made += 1
    replace(out / "checkpoint", note.encode(), 0o644)
    return made, said.size


def tiles(lines: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each tile over the lines."""
    yield from _row("entries", [len(line).to_bytes(2, "big") + line for line in lines])
    hashes, level = [leaf(line) for line in lines], 0
    while hashes:
        yield from _row(str(level), hashes)
        whole = range(0, len(hashes) - _WIDTH + 1, _WIDTH)
        hashes, level = [_top(hashes[first : first + _WIDTH]) for first in whole], level + 1


def _row(name: str, items: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, first in enumerate(range(0, len(items), _WIDTH)):
        some = items[first : first + _WIDTH]
        partial = f".p/{len(some)}" if len(some) < _WIDTH else ""
        yield f"tile/{name}/{_numbered(number)}{partial}", b"".join(some)


def _numbered(number: int) -> str:
    """Write a tile's number in groups of three digits, an x before all but the last."""
    above, last = divmod(number, 1000)
    groups = [f"{last:03}"]
    while above:
        above, last = divmod(above, 1000)
        groups.insert(0, f"x{last:03}")
    return "/".join(groups)


def _top(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of a whole tile."""
    while len(hashes) > 1:
        hashes = [node(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
