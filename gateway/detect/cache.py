"""Results by the digest of their text: agents resend their whole history with each turn."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict

from gateway.exchange import Span

_ENTRY_BYTES, _SPAN_BYTES = 200, 150  # rough: what one takes in memory


class ResultCache:
    """A bounded LRU, safe from several threads. It holds keyed digests and offsets, never a text."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, tuple[Span, ...]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def digest(self, text: str, key: str) -> bytes:
        """The name of a text under its JSON key; no two pairs share one."""
        data = f"{len(key)}:{key}{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=16, key=self._key).digest()

    def __getitem__(self, digest: bytes) -> tuple[Span, ...] | None:
        with self._lock:
            spans = self._entries.get(digest)
            if spans is not None:
                self._entries.move_to_end(digest)
            return spans

    def __setitem__(self, digest: bytes, spans: tuple[Span, ...]) -> None:
        with self._lock:
            if digest in self._entries:
                return
            self._entries[digest] = spans
            self._bytes += _cost(spans)
            while self._bytes > self._limit:
                self._bytes -= _cost(self._entries.popitem(last=False)[1])


def _cost(spans: tuple[Span, ...]) -> int:
    return _ENTRY_BYTES + _SPAN_BYTES * len(spans)
