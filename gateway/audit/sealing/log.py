"""The lines of `seals.ndjson` as the sealer may act on them: each signed by the key in force, in its place.

A line made by hand could have a chain counted as sealed, a file deleted or bodies erased.
"""

from __future__ import annotations

import hashlib

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import SealLine
from gateway.audit.files.signing import BadLine
from gateway.audit.journal.writers import Register
from gateway.errors import RegateError


class SealingFailed(RegateError):
    """Sealing could not be done this time; nothing was sealed by halves."""


class SealLog:
    """Reads the log again and again, and checks each line once."""

    def __init__(self, folder: Folder, register: Register) -> None:
        self._folder = folder
        self._register = register
        self._checked: list[bytes] = []

    def lines(self) -> list[SealLine]:
        """Return every line's document, in order. Raises SealingFailed at the first that does not hold."""
        found = signed_log.lines(self._folder.seals)
        known = len(self._checked) if found[: len(self._checked)] == self._checked else 0
        if len(found) > known:
            self._register.read_ahead()
        keys = self._register.seal_keys()
        for number in range(known, len(found)):
            key = [each for first, each in keys if first <= number][-1]
            prev = hashlib.sha256(found[number - 1]).hexdigest() if number else GENESIS
            try:
                if key.read(found[number])["prev"] != prev:
                    raise BadLine("it does not follow the line before it")
            except (BadLine, KeyError) as error:
                # sealing on would give a segment a second seal
                raise SealingFailed(
                    f"{self._folder.seals}:{number + 1}: {error}; see regate audit verify"
                ) from error
        self._checked = found
        return [orjson.loads(line) for line in found]
