"""Results by the digest of their text: agents resend their whole history with each turn."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict

from gateway.words import Match

_ENTRY_BYTES, _SPAN_BYTES = 256, 176  # what one takes in memory, measured and rounded up


class ResultCache:
    """A bounded LRU, safe from several threads. It holds keyed digests and offsets, never a text.

    It lives and dies with its Detector, so that a digest need not name the detector and its settings.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        # SHA-256 behind a secret first block (the cut digest lets no caller extend it)
        self._keyed = hashlib.sha256(secrets.token_bytes(64))
        self._entries: OrderedDict[bytes, tuple[Match, ...]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0  # what the entries take, as far as it is counted

    def digest(self, text: str, key: str) -> bytes:
        """Return the name of a text under its JSON key; no two pairs share one."""
        digest = self._keyed.copy()
        digest.update(f"{len(key)}:{key}".encode("utf-8", "surrogatepass"))
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()[:16]

    def __getitem__(self, digest: bytes) -> tuple[Match, ...] | None:
        with self._lock:
            spans = self._entries.get(digest)
            if spans is not None:
                self._entries.move_to_end(digest)
            return spans

    def __setitem__(self, digest: bytes, spans: tuple[Match, ...]) -> None:
        with self._lock:
            if digest in self._entries:
                return
            self._entries[digest] = spans
            self.bytes += _cost(spans)
            while self.bytes > self._limit:
                self.bytes -= _cost(self._entries.popitem(last=False)[1])


def _cost(spans: tuple[Match, ...]) -> int:
    return _ENTRY_BYTES + _SPAN_BYTES * len(spans)
