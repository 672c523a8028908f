"""Witnesses: independent services that cosign a checkpoint if it grew out of the one that they saw before.

Each signed root goes to each of them as C2SP's tlog-witness says. What they cosigned is the file `checkpoint`
of the audit folder. A folder that was rolled back or made anew gets no cosignature any more. It happens off
the data path, is bounded in time, and a failure stops nothing: a later root makes good for it.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Sequence

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.merkle import Frontier, Range
from gateway.audit.files.notes import Checkpoint, NoteKey
from gateway.audit.files.signing import Signer
from gateway.config import Witness

_SECONDS = 10
_log = logging.getLogger("regate.audit")


class Witnesses:
    """All witnesses of one log; with no origin, the log has none and nothing is done."""

    def __init__(self, origin: str, witnesses: Sequence[Witness], folder: Folder) -> None:
        self._origin = origin
        self._folder = folder
        self._asked = [(NoteKey.parse(each.key), each.url.rstrip("/")) for each in witnesses]
        self._sizes = dict.fromkeys((url for _, url in self._asked), 0)  # that each has seen
        self._failures: dict[str, str] = {}

    def well(self) -> bool:
        """Return whether every witness cosigned the last root that this process signed."""
        return not self._failures

    def put(self, root: bytes, signer: Signer) -> None:
        """Have a signed root (a line) cosigned, and keep it. Never raises: a later root makes good for it."""
        if not self._origin:
            return
        try:
            checkpoint = Checkpoint.of(self._origin, root)
            note = cosigned = checkpoint.note(signer)
            for key, url in self._asked:
                cosigned += self._cosign(key, url, checkpoint, note)
            path = self._folder.checkpoint
            self._folder.disk.replace(path, cosigned.encode(), path.with_suffix(".aside"), 0o644)
        except OSError as error:
            _log.error("the checkpoint could not be kept: %s", error)

    def _cosign(self, key: NoteKey, url: str, checkpoint: Checkpoint, note: str) -> str:
        """Return the witness's line over the note, or "" when it gives none."""
        try:
            status, answer = self._ask(url, checkpoint, note)
            if status == 409 and answer.strip().isdecimal():  # it has seen another size
                self._sizes[url] = int(answer)
                status, answer = self._ask(url, checkpoint, note)
            text = note.partition("\n\n")[0]
            if status != 200 or not key.signed(f"{text}\n\n{answer}"):
                raise OSError(f"it answered {status}, and no cosignature of {key.name}")
        except (OSError, ValueError) as error:
            if self._failures.get(url) != str(error):
                _log.error("the witness %s did not cosign: %s", url, error)
            self._failures[url] = str(error)
            return ""
        self._failures.pop(url, None)
        self._sizes[url] = checkpoint.size
        return answer

    def _ask(self, url: str, checkpoint: Checkpoint, note: str) -> tuple[int, str]:
        import httpx  # only where it is used: commands that record start faster without

        old = self._sizes[url]
        proof = "".join(f"{b64encode(each).decode()}\n" for each in self._consistency(old, checkpoint.size))
        try:
            answer = httpx.post(
                f"{url}/add-checkpoint",
                content=f"old {old}\n{proof}\n{note}".encode(),
                timeout=_SECONDS,
                follow_redirects=False,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise OSError(str(error) or type(error).__name__) from error
        return answer.status_code, answer.text

    def _consistency(self, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree over `size` lines grew out of that over `old`."""
        lines = signed_log.lines(self._folder.checkpoints)[:size]
        if old > size:
            raise ValueError(f"it has seen {old} lines, and the log has {size}: the folder was rolled back")
        before = Frontier()
        for line in lines[:old]:
            before.add(line)
        return Range(before, lines[old:]).consistency()
