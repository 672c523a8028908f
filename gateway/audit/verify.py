"""Proves the evidence offline: every chain from its first record on, its seals, and its signed heads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from gateway.audit import parquet, signed_log
from gateway.audit.folder import Folder, is_tombstone, split_segment
from gateway.audit.record import GENESIS, BrokenLine, check
from gateway.audit.segment import dead_segment
from gateway.audit.signing import BadSignature, Verifier, load_verifier
from gateway.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the evidence is not what was written. Numbers are -1 where they do not apply."""

    file: str
    reason: str
    line: int = -1
    writer: str = ""
    seq: int = -1

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line > 0 else self.file
        record = f" record {self.writer}/{self.seq}:" if self.seq >= 0 else ""
        return f"{place}:{record} {self.reason}"


@dataclass(slots=True)
class Report:
    """What was proved. `unsigned` counts sound records that no signed head covers yet."""

    records: int = 0
    segments: int = 0
    chains: int = 0
    unsigned: int = 0
    breaks: list[Break] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.breaks

    def document(self) -> dict[str, Any]:
        return {"intact": self.intact, **asdict(self)}


def _silent(_: str) -> None:
    """No progress shown."""


def verify(root: Path, public_key: Path, *, progress: Callable[[str], None] = _silent) -> Report:
    """Check everything under the audit folder; gateways may write meanwhile.

    A chain is followed up to its first broken record, the other chains to their ends. `progress` is told each
    segment's name before it is read.
    """
    return _Verification(Folder(root), public_key, progress).run()


class _Verification:
    def __init__(self, folder: Folder, public_key: Path, progress: Callable[[str], None]) -> None:
        self._folder = folder
        self._public_key = public_key
        self._progress = progress
        self._report = Report()
        self._seals: dict[str, dict[str, Any]] = {}
        self._heads: dict[str, dict[int, str]] = defaultdict(dict)

    def run(self) -> Report:
        verifier = self._verifier()
        # heads first: what they name was on disk before they were signed; then the segments, then their
        # seals, so that a segment sealed meanwhile is met as live
        for head in self._signed(self._folder.checkpoints, verifier):
            self._heads[head["writer"]][head["seq"]] = head["hash"]
        live = self._folder.live_files()
        self._read_seals(verifier)
        chains = self._chains(live)
        for writer in sorted(chains.keys() | self._heads.keys()):
            self._follow(writer, chains.get(writer, {}))
        self._find_strays()
        return self._report

    def _verifier(self) -> Verifier | None:
        try:
            return load_verifier(self._public_key)
        except ConfigError as error:
            if signed_log.lines(self._folder.checkpoints) or self._folder.live_files():
                self._break(self._public_key, f"the signed heads cannot be checked: {error}")
            return None

    def _signed(self, path: Path, verifier: Verifier | None) -> Iterator[dict[str, Any]]:
        if verifier is None:
            return
        for number, line in enumerate(signed_log.lines(path), start=1):
            try:
                yield verifier.read(line)
            except BadSignature as error:
                self._break(path, str(error), line=number)

    def _read_seals(self, verifier: Verifier | None) -> None:
        for seal in self._signed(self._folder.seals, verifier):
            if seal["segment"] in self._seals:
                self._break(self._folder.seals, f"{seal['segment']} is sealed twice")
            self._seals[seal["segment"]] = seal

    def _chains(self, live: list[Path]) -> dict[str, dict[int, str]]:
        """Every writer's segments by number, wherever they are."""
        chains: dict[str, dict[int, str]] = defaultdict(dict)
        for segment in {*self._seals, *(path.stem for path in live)}:
            if (place := split_segment(segment)) is None:
                self._break(self._folder.live(segment), "it is no writer's segment")
            else:
                chains[place[0]][place[1]] = segment
        return chains

    def _follow(self, writer: str, segments: Mapping[int, str]) -> None:
        """Follow one writer's chain to its end or to its first break."""
        self._report.chains += 1
        heads = self._heads[writer]
        seq, prev, covered = 0, GENESIS, 0
        for _, segment in sorted(segments.items()):
            self._progress(segment)
            end = self._follow_segment(writer, segment, seq, prev, heads)
            if end is None:
                return
            seq, prev = end
            self._report.segments += 1
            covered = max([covered, *(head for head in heads if head <= seq)])
        self._report.unsigned += seq - covered
        if heads and max(heads) > seq:
            self._break(
                self._folder.journal,
                f"the chain of {writer} ends at record {seq}, but record {max(heads)} was signed: "
                "what followed was removed",
                writer=writer,
                seq=seq + 1,
            )

    def _follow_segment(
        self, writer: str, segment: str, seq: int, prev: str, heads: Mapping[int, str]
    ) -> tuple[int, str] | None:
        """The chain's end behind this segment; None when it breaks in it."""
        file = self._folder.root / self._path(segment)
        number = 0
        try:
            for number, line in enumerate(self._lines(segment), start=1):
                link = check(line)
                if (
                    reason := _misplaced(writer, seq + 1, prev, link.writer, link.seq, link.prev)
                ) is not None:
                    self._break(file, reason, line=number, writer=writer, seq=seq + 1)
                    return None
                if heads.get(link.seq, link.hash) != link.hash:
                    self._break(file, "it is not the record that was signed", number, writer, link.seq)
                    return None
                seq, prev = link.seq, link.hash
                self._report.records += 1
        except BrokenLine as error:
            self._break(file, str(error), line=number, writer=writer, seq=seq + 1)
            return None
        except (OSError, duckdb.Error) as error:
            self._break(file, f"it cannot be read: {error}", writer=writer, seq=seq + 1)
            return None
        return (seq, prev) if self._seal_fits(segment, file, seq, prev) else None

    def _path(self, segment: str) -> str:
        seal = self._seals.get(segment)
        return seal["path"] if seal else str(self._folder.live(segment).relative_to(self._folder.root))

    def _lines(self, segment: str) -> Iterator[bytes]:
        if segment in self._seals:
            return parquet.lines(self._folder.root / self._path(segment))
        if is_tombstone(self._folder.live(segment)):
            # sealed and buried since we looked, or its seal was taken away
            self._read_new_seal(segment)
            return self._lines(segment)
        return self._live_lines(segment)

    def _read_new_seal(self, segment: str) -> None:
        verifier = load_verifier(self._public_key)
        for line in signed_log.lines(self._folder.seals):
            seal = _readable(verifier, line)
            if seal and seal["segment"] == segment:
                self._seals[segment] = seal
                return
        raise BrokenLine("it was sealed, but its seal is gone")

    def _live_lines(self, segment: str) -> Iterator[bytes]:
        path = self._folder.live(segment)
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
                    continue
                with dead_segment(self._folder, segment) as dead:
                    if dead is not None:  # else its writer is in the middle of it
                        self._report.notes.append(
                            f"{segment}: a torn tail of {len(line)} bytes, left by a crash"
                        )
                return

    def _seal_fits(self, segment: str, file: Path, seq: int, hash_: str) -> bool:
        """Whether the sealed file and what is left of the live one are what the seal says."""
        seal = self._seals.get(segment)
        if seal is None:
            return True
        writer = seal["writer"]
        if (seal["last_seq"], seal["hash"]) != (seq, hash_):
            self._break(file, f"its seal ends at record {seal['last_seq']}", writer=writer, seq=seq)
            return False
        if parquet.file_sha256(file) != seal["parquet_sha256"]:
            place = parquet.first_parted(file)
            reason = "its columns were changed" if place else "the file is not the one that was sealed"
            where = {"line": place, "seq": seal["first_seq"] + place - 1} if place else {}
            self._break(file, reason, writer=writer, **where)
            return False
        live = self._folder.live(segment)
        if live.exists() and not is_tombstone(live) and parquet.file_sha256(live) != seal["live_sha256"]:
            self._break(live, "it was changed since it was sealed", writer=writer)
            return False
        return True

    def _find_strays(self) -> None:
        """Files that a view would read beside the sealed ones."""
        sealed = {self._folder.root / seal["path"]: segment for segment, seal in self._seals.items()}
        segments = set(sealed.values())
        for path in self._folder.sealed_files():
            if path in sealed:
                continue
            if path.stem in segments:
                self._break(path, "a second file of a sealed segment")
            else:
                self._report.notes.append(
                    f"{path.name}: not sealed yet, or left by a crash; no view reads it"
                )

    def _break(self, file: Path, reason: str, line: int = -1, writer: str = "", seq: int = -1) -> None:
        root = self._folder.root
        name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
        self._report.breaks.append(Break(name, reason, line, writer, seq))


def _misplaced(writer: str, seq: int, prev: str, its_writer: str, its_seq: int, its_prev: str) -> str | None:
    """Why a sound line is not the one expected here; None when it is."""
    if its_writer != writer:
        return f"it is a record of {its_writer}"
    if its_seq > seq:
        return f"missing up to record {its_seq - 1}"
    if its_seq < seq:
        return f"record {its_seq} stands in its place"
    if its_prev != prev:
        return "it does not follow the record before it"
    return None


def _readable(verifier: Verifier, line: bytes) -> dict[str, Any] | None:
    try:
        return verifier.read(line)
    except BadSignature:
        return None
