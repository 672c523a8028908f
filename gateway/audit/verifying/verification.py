"""Proves the evidence offline: every chain from its first record on, its seals, and its signed heads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder, is_tombstone, split_segment
from gateway.audit.files.heads import stamp
from gateway.audit.files.key_ring import KeysInForce, follow_keys
from gateway.audit.files.notes import NoteKey
from gateway.audit.files.signing import load_verifier
from gateway.audit.sealing.removal import told_removals
from gateway.audit.sealing.timestamp import check_timestamps
from gateway.audit.verifying.chain import Chains
from gateway.audit.verifying.log import Heads, check_anchor, check_witnessed, read_heads, signed_lines
from gateway.audit.verifying.places import Place, ReadSeals, Results, live_place
from gateway.audit.verifying.pool import TaskPool, cores
from gateway.audit.verifying.report import Breaks, Verification
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_WORTH_A_POOL = 32 * 1024 * 1024  # bytes


def verify(
    root: Path,
    public_key: Path,
    *,
    anchor: Path | None = None,
    known: Collection[str] = (),
    since: str = "",
    witnesses: Sequence[str] = (),
    authorities: Sequence[Certificate] = (),
    jobs: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Check everything under the audit folder, also against an anchor file; gateways may write meanwhile.

    `known` are the writers that the state has seen born. A chain is followed up to its first broken record,
    the other chains to their ends. `witnesses` are the keys of those who cosign, `authorities` certificates
    that timestamps are trusted by. What was removed is told from `since` on, a time as lines have it.
    `progress` is told the bytes that were proved, of `size`.
    """
    folder = Folder(root)
    jobs = jobs or (cores() if size(root) > _WORTH_A_POOL else 1)
    with TaskPool(jobs) as pool:
        return _Verifying(folder, pool, progress).run(
            public_key, anchor, known, since, witnesses, authorities
        )


def size(root: Path) -> int:
    """Return how many bytes of records there are to prove."""
    folder = Folder(root)
    return sum(path.stat().st_size for path in (*folder.live_files(), *folder.sealed_files()))


class _Verifying:
    def __init__(self, folder: Folder, pool: TaskPool, progress: Callable[[int], None]) -> None:
        self._folder = folder
        self._pool = pool
        self._progress = progress
        self._report = Verification()
        self._breaks = Breaks(folder.root, self._report)
        self._heads = Heads()
        self._seals = ReadSeals(folder, pool)

    def run(
        self,
        public_key: Path,
        anchor: Path | None,
        known: Collection[str],
        since: str,
        witnesses: Sequence[str],
        authorities: Sequence[Certificate],
    ) -> Verification:
        # heads first: what they name was on disk before they were signed; then the segments, then their
        # seals, so that a segment sealed meanwhile is met as live
        note = self._witnessed_note(witnesses)  # before the log, which has its root then
        checkpoints = signed_log.lines(self._folder.checkpoints)
        live = self._folder.live_files()
        keys = self._trusted(public_key, checkpoints, live)
        if keys:
            self._read_checkpoints(checkpoints, keys, anchor)
            if note:
                keys_of = [NoteKey.parse(each) for each in witnesses]
                told = self._breaks.teller(self._folder.checkpoint)
                self._report.witnessed = check_witnessed(note, keys_of, self._heads, told)
            if authorities:
                times, broken = check_timestamps(self._folder, self._heads.roots, authorities)
                self._report.timestamps = [stamp(time) for time in times]
                for reason, number in broken:
                    self._breaks.add(self._folder.timestamps, reason, number)
            self._seals.read(keys, self._breaks.teller(self._folder.seals))
            self._read_late_births(live, keys)
        self._find_missing(known)
        chains = self._registered(self._chains(live))
        places = [place for _, chain in sorted(chains.items()) for _, place in sorted(chain.items())]
        results = Results(self._pool, places, self._progress)
        proof = Chains(self._folder, self._heads, self._seals, keys, results, self._report, self._breaks)
        for writer in sorted(chains.keys() | self._heads.heads.keys()):
            proof.follow(writer, chains.get(writer, {}))
        self._find_strays()
        self._report.removed = told_removals(self._seals.lines, since)
        return self._report

    def _trusted(
        self, public_key: Path, checkpoints: Sequence[bytes], live: Sequence[Path]
    ) -> KeysInForce | None:
        try:
            trusted = load_verifier(public_key)
        except ConfigError as error:
            if checkpoints or live:
                self._breaks.add(public_key, f"the signed heads cannot be checked: {error}")
            return None
        return follow_keys(checkpoints, trusted, self._breaks.teller(self._folder.checkpoints))

    def _read_checkpoints(self, lines: Sequence[bytes], keys: KeysInForce, anchor: Path | None) -> None:
        tell = self._breaks.teller(self._folder.checkpoints)
        documents = signed_lines(lines, keys.checkpoints, tell, self._pool)
        self._heads = read_heads(lines, documents, keys.checkpoints, tell)
        self._report.heads = sum(map(len, self._heads.heads.values()))
        self._report.roots = len(self._heads.roots)
        if anchor:
            if self._heads.roots and not anchor.exists():
                self._breaks.add(anchor, "there is no such anchor file")
            anchored = signed_log.lines(anchor)
            self._report.anchored = check_anchor(anchored, self._heads, keys, self._breaks.teller(anchor))

    def _witnessed_note(self, witnesses: Sequence[str]) -> str:
        """Return the kept checkpoint; "" where there are no witnesses, or nothing was cosigned yet."""
        if not witnesses:
            return ""
        try:
            return self._folder.checkpoint.read_text("utf-8")
        except FileNotFoundError:
            self._report.notes.append("no checkpoint was cosigned yet")
            return ""

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
                self._breaks.add(path, "it is missing")
        if not self._heads.births and not self._heads.heads:
            self._breaks.add(self._folder.root, "there is no evidence: no writer's birth is signed here")
        if gone := sorted(set(known) - self._heads.births.keys()):
            names = ", ".join(gone[:10]) + (" …" if len(gone) > 10 else "")
            reason = f"{len(gone)} writers that the state has seen born are not registered here: {names}"
            self._breaks.add(self._folder.checkpoints, reason)

    def _chains(self, live: Sequence[Path]) -> dict[str, dict[int, Place]]:
        """Return every writer's segments by number, wherever they are."""
        places = {path.stem: live_place(self._folder, path, self._heads) for path in live}
        sealed: set[str] = set()
        for place in self._seals.places():
            if place.segment in sealed:
                self._breaks.add(self._folder.seals, f"{place.segment} is sealed twice")
            sealed.add(place.segment)
            places[place.segment] = place
        chains: dict[str, dict[int, Place]] = {}
        for segment, place in places.items():
            if (name := split_segment(segment)) is None:
                self._breaks.add(self._folder.live(segment), "it is no writer's segment")
            else:
                chains.setdefault(name[0], {})[name[1]] = place
        return chains

    def _registered(self, chains: dict[str, dict[int, Place]]) -> dict[str, dict[int, Place]]:
        """Return the chains that a signed line vouches for: a birth, a seal, or a head from before births."""
        ours = {}
        for writer, chain in sorted(chains.items()):
            place = chain[min(chain)]
            if writer in self._heads.births or writer in self._heads.heads or place.sealed:
                ours[writer] = chain
            else:
                reason = "no birth of its writer is signed: nothing of it counts"
                self._breaks.add(place.task.path, reason, writer=writer)
        return ours

    def _find_strays(self) -> None:
        """Find files that stand beside the sealed ones: a view refuses to guess what they are."""
        sealed = {self._folder.root / seal["path"]: seal["file"] for seal in self._seals.seals}
        names = set(sealed.values())
        for path in self._folder.sealed_files():
            if path in sealed:
                continue
            if path.stem in names:
                self._breaks.add(path, "a second file of a sealed segment")
            elif self._stands_live(path.stem):
                note = "not sealed yet, or left by a crash; no view reads it"
                self._report.notes.append(f"{path.name}: {note}")
            elif not self._is_sealed_by_now(path.stem):
                self._breaks.add(path, "it has no seal, and the live segment that it was made of is gone")

    def _is_sealed_by_now(self, file: str) -> bool:
        """Return whether a seal names the file by now: its segment may have been buried meanwhile."""
        return any(b'"file":"%b"' % file.encode() in line for line in signed_log.lines(self._folder.seals))

    def _stands_live(self, segment: str) -> bool:
        """Return whether the segment's own file is there and still has its records."""
        try:
            return not is_tombstone(self._folder.live(segment))
        except FileNotFoundError:
            return False
