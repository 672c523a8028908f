"""Full content in the evidence: encrypted under its session's data key, which only the content key unwraps.

A record whose decision says `record: full` carries `content_key` (the wrapped data key) in its body, and
`sealed` in its parts: both are a 12-byte nonce and AES-256-GCM ciphertext, in hex. The session's id is bound
to the wrapped key, the part's digest to its text.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.config import Config, load_server_key, resolve_reference
from gateway.errors import ConfigError, RegateError

_NONCE = 12
_SESSIONS = 1_000  # data keys kept at hand; a session that comes back gets another one
_SHORTEST = 32  # characters of a content key


class Unreadable(RegateError):
    """Encrypted content that this content key does not decrypt."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one session's content, and itself as its records carry it."""

    cipher: AESGCM
    wrapped: str

    def encrypt(self, text: str, digest: str) -> str:
        return _encrypt(self.cipher, text.encode("utf-8", "surrogatepass"), digest)


class ContentKey:
    """Makes data keys, and decrypts what they encrypted."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"regate/content").derive(secret))
        self._keys: OrderedDict[str, DataKey] = OrderedDict()

    def of(self, session_id: str) -> DataKey:
        """Return the data key that this process uses for the session."""
        key = self._keys.get(session_id)
        if key is None:
            fresh = AESGCM.generate_key(256)
            key = self._keys[session_id] = DataKey(AESGCM(fresh), _encrypt(self._cipher, fresh, session_id))
            if len(self._keys) > _SESSIONS:
                self._keys.popitem(last=False)
        return key

    def decrypt(self, session_id: str, wrapped: str, encrypted: str, digest: str) -> str:
        """Decrypt the text of a part. Raises Unreadable."""
        key = _decrypt(self._cipher, wrapped, session_id)
        return _decrypt(AESGCM(key), encrypted, digest).decode("utf-8", "surrogatepass")


def load_content_key(config: Config) -> ContentKey:
    """Load the key that `audit.content_key` names; without one, a key derived from the server's.

    Raises ConfigError when it is not set, or too short to be a key.
    """
    reference = config.audit.content_key
    if not reference:
        return ContentKey(load_server_key(config.key_path).derive("content"))
    secret = resolve_reference(reference)
    if secret is None:
        raise ConfigError(f"audit.content_key: {reference} is not set")
    if len(secret) < _SHORTEST:
        raise ConfigError(
            f"audit.content_key: {reference} is too short; expected {_SHORTEST} random characters"
        )
    return ContentKey(secret.encode())


def _encrypt(cipher: AESGCM, data: bytes, bound: str) -> str:
    nonce = os.urandom(_NONCE)
    return (nonce + cipher.encrypt(nonce, data, bound.encode())).hex()


def _decrypt(cipher: AESGCM, text: str, bound: str) -> bytes:
    try:
        data = bytes.fromhex(text)
        return cipher.decrypt(data[:_NONCE], data[_NONCE:], bound.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(
            "content cannot be decrypted: another key encrypted it, or it was changed"
        ) from error
