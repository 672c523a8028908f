"""The server key: the one secret from which placeholders, digests, session ids and bindings are keyed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from gateway.errors import ConfigError
from gateway.processes import write_new

_BYTES = 32


class ServerKey:
    """Keyed digests for named purposes, so that no two uses of the key can be confused."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _BYTES:
            raise ConfigError(f"server key: expected {_BYTES} bytes, found {len(key)}")
        self._key = key

    def derive(self, purpose: str, *names: str) -> bytes:
        """Return a 32-byte key for one purpose (and, say, one agent)."""
        return self.digest(f"derive/{purpose}", *(name.encode() for name in names))

    def digest(self, purpose: str, *fields: bytes) -> bytes:
        """Return the HMAC-SHA256 of length-prefixed fields: no two different field lists collide."""
        prefixed = [part for field in fields for part in (len(field).to_bytes(8, "big"), field)]
        message = b"".join([purpose.encode(), b"\0", *prefixed])
        return hmac.digest(self._key, message, hashlib.sha256)


def load_server_key(path: Path) -> ServerKey:
    """Read the key file, or make it (mode 0600) where there is none.

    Raises ConfigError when the file is not a whole key or others may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others may read the server key; expected mode 0600")
    return ServerKey(path.read_bytes())


def _create(path: Path) -> None:
    """Write a new key; of two processes that start at once, the first wins and the other reads its key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    write_new(draft, secrets.token_bytes(_BYTES), 0o600)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
