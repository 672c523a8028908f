"""Proves the evidence offline: every chain from its first record on, its seals, and its signed heads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.audit.files import signed_log
from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder, is_tombstone, split_segment
from gateway.audit.files.key_ring import KeysInForce, follow_keys
from gateway.audit.files.line import GENESIS
from gateway.audit.files.merkle import Frontier
from gateway.audit.files.signing import Verifier, load_verifier
from gateway.audit.sealing.plan import End
from gateway.audit.sealing.removal import Removals, read_removals, told_removals
from gateway.audit.verifying.log import Heads, check_anchor, read_heads, signed_lines
from gateway.audit.verifying.pool import TaskPool, cores
from gateway.audit.verifying.report import Break, Verification
from gateway.audit.verifying.segment import Found, RecordRun, Task, prove_file
from gateway.errors import ConfigError

__all__ = ["Break", "Verification", "size", "verify"]

_WORTH_A_POOL = 32 * 1024 * 1024  # bytes


def _silent(_: int) -> None:
    """Show no progress."""


def verify(
    root: Path,
    public_key: Path,
    *,
    anchor: Path | None = None,
    known: Collection[str] = (),
    jobs: int | None = None,
    progress: Callable[[int], None] = _silent,
) -> Verification:
    """Check everything under the audit folder, also against an anchor file; gateways may write meanwhile.

    `known` are the writers that the state has seen born. A chain is followed up to its first broken record,
    the other chains to their ends. `progress` is told the bytes that were proved, of `size`.
    """
    folder = Folder(root)
    jobs = jobs or (cores() if size(root) > _WORTH_A_POOL else 1)
    with TaskPool(jobs) as pool:
        return _Verification(folder, pool, progress).run(public_key, anchor, known)


def size(root: Path) -> int:
    """Return how many bytes of records there are to prove."""
    folder = Folder(root)
    return sum(path.stat().st_size for path in (*folder.live_files(), *folder.sealed_files()))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a segment's records are: a file, and there from one line to another; 0 is the end."""

    segment: str
    task: Task
    first: int = 1
    last: int = 0
    held: Mapping[str, Any] = field(default_factory=dict)
    dropped: bool = False


@dataclass(slots=True)
class _End:
    """How far a chain was followed."""

    writer: str
    seq: int = 0
    prev: str = GENESIS
    covered: int = 0
    tree: Frontier = field(default_factory=Frontier)


class _Verification:
    def __init__(self, folder: Folder, pool: TaskPool, progress: Callable[[int], None]) -> None:
        self._folder = folder
        self._pool = pool
        self._progress = progress
        self._report = Verification()
        self._heads = Heads()
        self._lines: list[dict[str, Any]] = []
        self._seals: list[dict[str, Any]] = []
        self._removals = Removals()
        self._found: dict[Task, Found] = {}
        self._uses: Counter[Task] = Counter()
        self._told: set[Path] = set()

    def run(self, public_key: Path, anchor: Path | None, known: Collection[str]) -> Verification:
        # heads first: what they name was on disk before they were signed; then the segments, then their
        # seals, so that a segment sealed meanwhile is met as live
        checkpoints = signed_log.lines(self._folder.checkpoints)
        live = self._folder.live_files()
        keys = self._keys(public_key, checkpoints, live)
        if keys:
            self._read_checkpoints(checkpoints, keys, anchor)
            self._read_seals(keys)
            self._read_late_births(live, keys)
        self._find_missing(known)
        chains = self._registered(self._chains(live))
        places = [place for _, chain in sorted(chains.items()) for _, place in sorted(chain.items())]
        self._uses = Counter(place.task for place in places if not place.dropped)
        results = self._pool.map(prove_file, self._uses)  # each file once, in the order of first use
        for writer in sorted(chains.keys() | self._heads.heads.keys()):
            self._follow(writer, chains.get(writer, {}), results, keys)
        self._find_strays()
        self._report.removed = told_removals(self._lines)
        return self._report

    def _read_late_births(self, live: Sequence[Path], keys: KeysInForce) -> None:
        """Take in writers that were born between our look at the heads and that at the segments."""
        writers = {place[0] for path in live if (place := split_segment(path.stem))}
        if writers <= self._heads.births.keys() | self._heads.heads.keys():
            return
        lines = signed_log.lines(self._folder.checkpoints)
        documents = signed_lines(lines, keys.checkpoints, lambda *_: None, self._pool)
        late = read_heads(lines, documents, keys.checkpoints, lambda *_: None).births
        self._heads.births.update(late)

    def _find_missing(self, known: Collection[str]) -> None:
        """Find what should be there and is not: files, and the births of writers that the state has seen."""
        for path in (self._folder.checkpoints, self._folder.seals):
            if not path.exists():
                self._break(path, "it is missing")
        if not self._heads.births and not self._heads.heads:
            self._break(self._folder.root, "there is no evidence: no writer's birth is signed here")
        if gone := sorted(set(known) - self._heads.births.keys()):
            names = ", ".join(gone[:10]) + (" …" if len(gone) > 10 else "")
            reason = f"{len(gone)} writers that the state has seen born are not registered here: {names}"
            self._break(self._folder.checkpoints, reason)

    def _registered(self, chains: dict[str, dict[int, _Place]]) -> dict[str, dict[int, _Place]]:
        """Return the chains that a signed line vouches for: a birth, a seal, or a head from before births."""
        ours = {}
        for writer, chain in sorted(chains.items()):
            place = chain[min(chain)]
            if writer in self._heads.births or writer in self._heads.heads or place.held:
                ours[writer] = chain
            else:
                reason = "no birth of its writer is signed: nothing of it counts"
                self._break(place.task.path, reason, writer=writer)
        return ours

    def _keys(
        self, public_key: Path, checkpoints: Sequence[bytes], live: Sequence[Path]
    ) -> KeysInForce | None:
        try:
            trusted: Verifier = load_verifier(public_key)
        except ConfigError as error:
            if checkpoints or live:
                self._break(public_key, f"the signed heads cannot be checked: {error}")
            return None
        return follow_keys(checkpoints, trusted, self._teller(self._folder.checkpoints))

    def _read_checkpoints(self, lines: Sequence[bytes], keys: KeysInForce, anchor: Path | None) -> None:
        tell = self._teller(self._folder.checkpoints)
        documents = signed_lines(lines, keys.checkpoints, tell, self._pool)
        self._heads = read_heads(lines, documents, keys.checkpoints, tell)
        self._report.heads = sum(map(len, self._heads.heads.values()))
        self._report.roots = len(self._heads.roots)
        if anchor:
            if self._heads.roots and not anchor.exists():
                self._break(anchor, "there is no such anchor file")
            self._report.anchored = check_anchor(
                signed_log.lines(anchor), self._heads, keys, self._teller(anchor)
            )

    def _read_seals(self, keys: KeysInForce) -> None:
        tell = self._teller(self._folder.seals)
        lines = signed_log.lines(self._folder.seals)
        self._take_seals(signed_lines(lines, keys.seals, tell, self._pool))

    def _take_seals(self, documents: Sequence[dict[str, Any] | None]) -> None:
        self._lines = [document for document in documents if document]
        self._seals = [document for document in self._lines if document["kind"] == "seal"]
        self._removals = read_removals(self._lines)

    def _chains(self, live: Sequence[Path]) -> dict[str, dict[int, _Place]]:
        """Return every writer's segments by number, wherever they are."""
        places: dict[str, _Place] = {path.stem: self._live(path) for path in live}
        sealed: set[str] = set()
        for place in self._sealed_places(self._seals):
            if place.segment in sealed:
                self._break(self._folder.seals, f"{place.segment} is sealed twice")
            sealed.add(place.segment)
            places[place.segment] = place
        chains: dict[str, dict[int, _Place]] = {}
        for segment, place in places.items():
            if (name := split_segment(segment)) is None:
                self._break(self._folder.live(segment), "it is no writer's segment")
            else:
                chains.setdefault(name[0], {})[name[1]] = place
        return chains

    def _live(self, path: Path) -> _Place:
        writer, _ = split_segment(path.stem) or ("", 0)
        birth, keys = self._heads.births.get(writer, ("", ()))
        return _Place(path.stem, Task(self._folder.root, path, birth=birth, keys=keys))

    def _sealed_places(self, seals: Sequence[Mapping[str, Any]]) -> Iterator[_Place]:
        for seal in seals:
            path = seal["path"]
            *_, sha256 = self._removals.erased.get(path, (seal["parquet_sha256"],))
            task = Task(self._folder.root, self._folder.root / path, sha256, path in self._removals.erased)
            first = 1
            for held in seal["segments"]:
                last = first + held["last_seq"] - held["first_seq"]
                yield _Place(held["segment"], task, first, last, held, path in self._removals.dropped)
                first = last + 1

    def _follow(
        self, writer: str, segments: Mapping[int, _Place], results: Iterator[Found], keys: KeysInForce | None
    ) -> None:
        """Follow one writer's chain to its end or to its first break."""
        self._report.chains += 1
        heads, end, whole = self._heads.heads.get(writer, {}), _End(writer), True
        for _, place in sorted(segments.items()):
            if place.dropped:
                whole = whole and self._pass_over(writer, place, end, heads)
                continue
            found = self._result(place.task, results)
            if not whole:
                continue  # its results are taken off all the same
            if found.buried:
                place, found = self._sealed_since(place.segment, keys)
            whole = self._join(writer, place, found, end, heads)
            self._report.segments += whole
        if not whole:
            return
        if writer not in self._heads.births and end.seq > end.covered:
            reason = "it stands behind the last signed head of a chain without a birth"
            self._break(self._folder.journal, reason, writer=writer, seq=end.covered + 1)
        if heads and max(heads) > end.seq:
            self._break(
                self._folder.journal,
                f"the chain of {writer} ends at record {end.seq}, but record {max(heads)} was signed: "
                "what followed was removed",
                writer=writer,
                seq=end.seq + 1,
            )

    def _result(self, task: Task, results: Iterator[Found]) -> Found:
        """Return what was found in the file, and keep it for as long as another segment is in the file."""
        if task not in self._found:
            self._found[task] = next(results)
            self._progress(task.path.stat().st_size if task.path.exists() else 0)
        self._uses[task] -= 1
        return self._found[task] if self._uses[task] else self._found.pop(task)

    def _sealed_since(self, segment: str, keys: KeysInForce | None) -> tuple[_Place, Found]:
        """Find a segment that was sealed and buried since the first look; its seal may be gone."""
        if keys:
            lines = signed_log.lines(self._folder.seals)
            self._take_seals(signed_lines(lines, keys.seals, lambda *_: None, self._pool))
            for place in self._sealed_places(self._seals):
                if place.segment == segment:
                    return place, prove_file(place.task)
        live = self._live(self._folder.live(segment))
        return live, Found(broken="it was sealed, but its seal is gone")

    def _join(
        self, writer: str, place: _Place, found: Found, end: _End, heads: Mapping[int, tuple[str, str]]
    ) -> bool:
        """Join a segment's records to the chain; return whether the chain is whole to the segment's end."""
        path = place.task.path
        if found.torn:
            self._report.notes.append(f"{place.segment}: a torn tail of {found.torn} bytes, left by a crash")
        doubtful = found.loose or found.forged or found.broken
        for run in found.part(place.first, place.last or (found.lines if doubtful else found.signed)):
            if reason := _misplaced(writer, end, run):
                self._break(path, reason, run.line, writer, end.seq + 1)
                return False
            if not self._join_run(path, run, end, heads):
                return False
        if found.broken and (not place.last or place.last > found.lines):
            line = found.lines + 1 if "cannot be read" not in found.broken else -1
            self._break(path, found.broken, line, writer, end.seq + 1)
            return False
        return self._seal_fits(place, found, end) if place.held else self._is_signed(place, found, end)

    def _is_signed(self, place: _Place, found: Found, end: _End) -> bool:
        """Return whether a live segment's writer signed its records, but for those it is about to sign."""
        if found.forged or found.loose:
            line = found.forged or found.signed + 1
            loose = f"{found.loose} records stand behind the last batch that its writer signed"
            reason = "its writer did not sign it here" if found.forged else loose
            seq = end.seq - found.lines + line
            self._break(place.task.path, reason, line, end.writer, seq)
            self._report.records -= found.lines - line + 1
            return False
        if place.task.birth and found.signed:
            end.covered = end.seq
        self._report.unsigned += 0 if found.torn else found.lines - found.signed
        return True

    def _pass_over(self, writer: str, place: _Place, end: _End, heads: Mapping[int, tuple[str, str]]) -> bool:
        """Go on behind a segment that retention dropped: its seal says where the chain was."""
        held = place.held
        if held["first_seq"] != end.seq + 1:
            reason = f"missing up to record {held['first_seq'] - 1}"
            self._break(place.task.path, reason, writer=writer, seq=end.seq + 1)
            return False
        last = End(held["last_seq"], held["hash"], tuple(held["peaks"]))
        sealed = last.hash, last.tree().root().hex()
        if heads.get(last.seq, sealed) != sealed:
            self._break(place.task.path, "its seal is not what was signed", writer=writer, seq=last.seq)
            return False
        self._report.dropped += held["last_seq"] - end.seq
        end.seq, end.prev, end.tree = last.seq, last.hash, last.tree()
        end.covered = max((seq for seq in heads if seq <= last.seq), default=end.covered)
        return True

    def _join_run(self, path: Path, run: RecordRun, end: _End, heads: Mapping[int, tuple[str, str]]) -> bool:
        for place in range(run.count):
            end.seq += 1
            hash_ = run.hash(place)
            end.tree.add(hash_)
            if end.seq in heads:
                if heads[end.seq] != (hash_.hex(), end.tree.root().hex()):
                    reason = "it is not the record that was signed"
                    self._break(path, reason, run.line + place, run.writer, end.seq)
                    return False
                end.covered = end.seq
            self._report.records += 1
        end.prev = run.hash(run.count - 1).hex()
        return True

    def _seal_fits(self, place: _Place, found: Found, end: _End) -> bool:
        """Return whether the sealed file and what is left of the live one are what the seal says."""
        held, path = place.held, place.task.path
        writer = held["writer"]
        if (held["last_seq"], held["hash"]) != (end.seq, end.prev):
            self._break(path, f"its seal ends at record {held['last_seq']}", writer=writer, seq=end.seq)
            return False
        name = str(path.relative_to(self._folder.root))
        if found.changed and self._removals.awaits(name, file_sha256(path)):
            self._report.notes.append(f"{path.name}: what is to be erased in it is still there")
        elif found.changed:
            if place.first <= found.parted <= place.last:
                seq = held["first_seq"] + found.parted - place.first
                self._break(path, "its columns were changed", found.parted, writer, seq)
            elif not found.parted and path not in self._told:
                self._break(path, "the file is not the one that was sealed", writer=writer)
            self._told.add(path)
            return False
        live = self._folder.live(place.segment)
        if live.exists() and not is_tombstone(live) and file_sha256(live) != held["live_sha256"]:
            self._break(live, "it was changed since it was sealed", writer=writer)
            return False
        return True

    def _find_strays(self) -> None:
        """Find files that stand beside the sealed ones: a view refuses to guess what they are."""
        sealed = {self._folder.root / seal["path"]: seal["file"] for seal in self._seals}
        names = set(sealed.values())
        for path in self._folder.sealed_files():
            if path in sealed:
                continue
            if path.stem in names:
                self._break(path, "a second file of a sealed segment")
            elif self._stands_live(path.stem):
                note = "not sealed yet, or left by a crash; no view reads it"
                self._report.notes.append(f"{path.name}: {note}")
            elif not self._is_sealed_by_now(path.stem):
                self._break(path, "it has no seal, and the live segment that it was made of is gone")

    def _is_sealed_by_now(self, file: str) -> bool:
        """Return whether a seal names the file by now: its segment may have been buried meanwhile."""
        return any(b'"file":"%b"' % file.encode() in line for line in signed_log.lines(self._folder.seals))

    def _stands_live(self, segment: str) -> bool:
        """Return whether the segment's own file is there and still holds its records."""
        try:
            return not is_tombstone(self._folder.live(segment))
        except FileNotFoundError:
            return False

    def _teller(self, file: Path) -> Callable[[str, int], None]:
        return lambda reason, line: self._break(file, reason, line)

    def _break(self, file: Path, reason: str, line: int = -1, writer: str = "", seq: int = -1) -> None:
        root = self._folder.root
        name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
        self._report.breaks.append(Break(name, reason, line, writer, seq))


def _misplaced(writer: str, end: _End, run: RecordRun) -> str:
    """Say why a sound run of records is not the one expected here; return "" when it is."""
    if run.writer != writer:
        return f"it is a record of {run.writer}"
    if run.seq > end.seq + 1:
        return f"missing up to record {run.seq - 1}"
    if run.seq <= end.seq:
        return f"record {run.seq} stands in its place"
    if run.prev != end.prev:
        return "it does not follow the record before it"
    return ""
