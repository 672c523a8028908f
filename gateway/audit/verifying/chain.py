"""Follows one writer's chain over its segments, to its end or to its first break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder, is_tombstone
from gateway.audit.files.key_ring import KeysInForce
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import SealedSegment
from gateway.audit.files.merkle import Frontier
from gateway.audit.sealing.plan import End
from gateway.audit.verifying.log import Heads
from gateway.audit.verifying.places import Place, ReadSeals, Results, live_place
from gateway.audit.verifying.report import Breaks, Verification
from gateway.audit.verifying.segment import Found, RecordRun, prove_file

SignedHeads = Mapping[int, tuple[str, str]]  # by record: its hash, and the tree's root there


@dataclass(slots=True)
class _Reached:
    """How far a chain was followed; `covered` is the last record that a head or a batch covers."""

    writer: str
    seq: int = 0
    prev: str = GENESIS
    covered: int = 0
    tree: Frontier = field(default_factory=Frontier)


class Chains:
    """Proves chains one after the other, and adds what it finds to the verification."""

    def __init__(
        self,
        folder: Folder,
        heads: Heads,
        seals: ReadSeals,
        keys: KeysInForce | None,
        results: Results,
        report: Verification,
        breaks: Breaks,
    ) -> None:
        self._folder = folder
        self._heads = heads
        self._seals = seals
        self._keys = keys
        self._results = results
        self._report = report
        self._breaks = breaks
        self._told: set[Path] = set()

    def follow(self, writer: str, segments: Mapping[int, Place]) -> None:
        """Follow one writer's chain to its end or to its first break."""
        self._report.chains += 1
        heads, end, whole = self._heads.heads.get(writer, {}), _Reached(writer), True
        for _, place in sorted(segments.items()):
            if place.dropped and place.sealed:
                whole = whole and self._pass_over(place.task.path, place.sealed, end, heads)
                continue
            found = self._results.of(place.task)
            if not whole:
                continue  # its results are taken off all the same
            if found.buried:
                place, found = self._sealed_since(place.segment)
            whole = self._join(place, found, end, heads)
            self._report.segments += whole
        if not whole:
            return
        if writer not in self._heads.births and end.seq > end.covered:
            reason = "it stands behind the last signed head of a chain without a birth"
            self._breaks.add(self._folder.journal, reason, writer=writer, seq=end.covered + 1)
        if heads and max(heads) > end.seq:
            self._breaks.add(
                self._folder.journal,
                f"the chain of {writer} ends at record {end.seq}, but record {max(heads)} was signed: "
                "what followed was removed",
                writer=writer,
                seq=end.seq + 1,
            )

    def _sealed_since(self, segment: str) -> tuple[Place, Found]:
        """Find a segment that was sealed and buried since the first look; its seal may be gone."""
        if self._keys:
            self._seals.read(self._keys, lambda *_: None)
            for place in self._seals.places():
                if place.segment == segment:
                    return place, prove_file(place.task)
        live = live_place(self._folder, self._folder.live(segment), self._heads)
        return live, Found(broken="it was sealed, but its seal is gone")

    def _pass_over(self, path: Path, sealed: SealedSegment, end: _Reached, heads: SignedHeads) -> bool:
        """Go on behind a segment that retention dropped: its seal says where the chain was."""
        if sealed["first_seq"] != end.seq + 1:
            reason = f"missing up to record {sealed['first_seq'] - 1}"
            self._breaks.add(path, reason, writer=end.writer, seq=end.seq + 1)
            return False
        last = End.of(sealed)
        signed = last.hash, last.tree().root().hex()
        if heads.get(last.seq, signed) != signed:
            self._breaks.add(path, "its seal is not what was signed", writer=end.writer, seq=last.seq)
            return False
        self._report.dropped += last.seq - end.seq
        end.seq, end.prev, end.tree = last.seq, last.hash, last.tree()
        end.covered = max((seq for seq in heads if seq <= last.seq), default=end.covered)
        return True

    def _join(self, place: Place, found: Found, end: _Reached, heads: SignedHeads) -> bool:
        """Join a segment's records to the chain; return whether the chain is whole to the segment's end."""
        path = place.task.path
        if found.torn:
            self._report.notes.append(f"{place.segment}: a torn tail of {found.torn} bytes, left by a crash")
        doubtful = found.loose or found.forged or found.broken
        for run in found.part(place.first, place.last or (found.lines if doubtful else found.signed)):
            if reason := _misplaced(end, run):
                self._breaks.add(path, reason, run.line, end.writer, end.seq + 1)
                return False
            if not self._join_run(path, run, end, heads):
                return False
        if found.broken and (not place.last or place.last > found.lines):
            line = found.lines + 1 if "cannot be read" not in found.broken else -1
            self._breaks.add(path, found.broken, line, end.writer, end.seq + 1)
            return False
        if place.sealed:
            return self._seal_fits(place, place.sealed, found, end)
        return self._is_signed(place, found, end)

    def _join_run(self, path: Path, run: RecordRun, end: _Reached, heads: SignedHeads) -> bool:
        for place in range(run.count):
            end.seq += 1
            hash_ = run.hash(place)
            end.tree.add(hash_)
            if end.seq in heads:
                if heads[end.seq] != (hash_.hex(), end.tree.root().hex()):
                    reason = "it is not the record that was signed"
                    self._breaks.add(path, reason, run.line + place, run.writer, end.seq)
                    return False
                end.covered = end.seq
            self._report.records += 1
        end.prev = run.hash(run.count - 1).hex()
        return True

    def _is_signed(self, place: Place, found: Found, end: _Reached) -> bool:
        """Return whether a live segment's writer signed its records, but for those it is about to sign."""
        if found.forged or found.loose:
            line = found.forged or found.signed + 1
            loose = f"{found.loose} records stand behind the last batch that its writer signed"
            reason = "its writer did not sign it here" if found.forged else loose
            seq = end.seq - found.lines + line
            self._breaks.add(place.task.path, reason, line, end.writer, seq)
            self._report.records -= found.lines - found.signed
            return False
        if place.task.birth and found.signed:
            end.covered = end.seq
        self._report.unsigned += 0 if found.torn else found.lines - found.signed
        return True

    def _seal_fits(self, place: Place, sealed: SealedSegment, found: Found, end: _Reached) -> bool:
        """Return whether the sealed file and what is left of the live one are what the seal says."""
        path, writer = place.task.path, sealed["writer"]
        if (sealed["last_seq"], sealed["hash"]) != (end.seq, end.prev):
            reason = f"its seal ends at record {sealed['last_seq']}"
            self._breaks.add(path, reason, writer=writer, seq=end.seq)
            return False
        name = str(path.relative_to(self._folder.root))
        if found.changed and self._seals.removals.awaits(name, file_sha256(path)):
            self._report.notes.append(f"{path.name}: what is to be erased in it is still there")
        elif found.changed:
            if place.first <= found.parted <= place.last:
                seq = sealed["first_seq"] + found.parted - place.first
                self._breaks.add(path, "its columns were changed", found.parted, writer, seq)
            elif not found.parted and path not in self._told:
                self._breaks.add(path, "the file is not the one that was sealed", writer=writer)
            self._told.add(path)
            return False
        live = self._folder.live(place.segment)
        if live.exists() and not is_tombstone(live) and file_sha256(live) != sealed["live_sha256"]:
            self._breaks.add(live, "it was changed since it was sealed", writer=writer)
            return False
        return True


def _misplaced(end: _Reached, run: RecordRun) -> str:
    """Say why a sound run of records is not the one expected here; return "" when it is."""
    if run.writer != end.writer:
        return f"it is a record of {run.writer}"
    if run.seq > end.seq + 1:
        return f"missing up to record {run.seq - 1}"
    if run.seq <= end.seq:
        return f"record {run.seq} stands in its place"
    if run.prev != end.prev:
        return "it does not follow the record before it"
    return ""
