"""Cuts off what dead writers left behind their last batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.audit.files.folder import Folder
from gateway.audit.files.signing import Signer
from gateway.audit.journal.dead import TornTail, dead_segment
from gateway.audit.journal.writers import Register, is_free, sign_end

__all__ = ["TornTail", "cut_torn_tails"]


def cut_torn_tails(folder: Folder, signer: Signer, note: Callable[[TornTail], None]) -> Iterator[TornTail]:
    """Cut off each torn tail that no caller counts on; `note` records it first. Raises OSError."""
    register = Register(folder, signer.verifier)
    for path in folder.live_files():
        with dead_segment(folder, path.stem) as segment:
            if segment is None or segment.torn_tail() is None:
                continue
            register.read_ahead()
            if not is_free(path.stem, register):
                continue
            if path.stem not in register.ended:
                sign_end(folder, signer, path.stem)
            if tail := segment.torn_tail():  # nothing more comes now that its end is signed
                note(tail)
                segment.cut(tail)
                yield tail
