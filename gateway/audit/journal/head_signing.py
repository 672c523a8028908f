"""When the head of a live chain is signed."""

from __future__ import annotations

import logging
import time

from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import Head, sign_head
from gateway.audit.files.signing import Signer
from gateway.audit.journal.segment import LiveChain

_log = logging.getLogger("regate.audit")


class HeadSigning:
    """Signs the chain's head: after the first record, every so many seconds while it moves, at the end."""

    def __init__(self, folder: Folder, chain: LiveChain, seconds: float) -> None:
        self._folder = folder
        self._chain = chain
        self._seconds = seconds
        self._due = 0.0
        self._signed = Head()

    def start(self, signer: Signer) -> None:
        self._signer = signer

    def sign_when_due(self) -> None:
        if time.monotonic() >= self._due:
            self.sign()

    def sign(self) -> None:
        """Append a signed head. A failure leaves the records as they are, so it is logged and tried again."""
        head = self._chain.head
        if head.hash == self._signed.hash:
            return
        self._due = time.monotonic() + self._seconds
        try:
            sign_head(self._folder, self._signer, self._chain.writer, head)
            self._signed = head
        except OSError as error:
            self._due = time.monotonic() + min(5, self._seconds)
            _log.error("the chain's head could not be signed: %s", error)
