"""What is held, at rest: encrypted under a key of its approval's own. A completion is bound to it."""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.config import ServerKey
from gateway.errors import StateUnavailable

_NONCE_BYTES = 12
_PURPOSE = "approval/completion"


def encrypt(key: ServerKey, approval_id: str, completion: bytes) -> bytes:
    """Nonce and AES-256-GCM ciphertext; opens for this approval only."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key, approval_id).encrypt(nonce, completion, approval_id.encode())


def decrypt(key: ServerKey, approval_id: str, encrypted: bytes, digest: str) -> bytes:
    """Decrypt the completion that people approved. Raises StateUnavailable when it is another."""
    completion = _decrypted(key, approval_id, encrypted)
    if not hmac.compare_digest(digest_of(key, approval_id, completion), digest):
        raise StateUnavailable(f"state: the completion held for {approval_id} is not the approved one")
    return completion


def encrypt_shown(key: ServerKey, approval_id: str, document: bytes) -> bytes:
    """Encrypt what people are shown of an approval, until it ends."""
    return encrypt(key, f"{approval_id}/shown", document)


def decrypt_shown(key: ServerKey, approval_id: str, encrypted: bytes) -> bytes:
    """Return what people are shown of an approval. Raises StateUnavailable when it cannot be read."""
    return _decrypted(key, f"{approval_id}/shown", encrypted)


def digest_of(key: ServerKey, approval_id: str, completion: bytes) -> str:
    """Return a keyed digest: without the key, a short completion could be guessed from its record."""
    return key.digest(_PURPOSE, approval_id.encode(), completion).hex()


def _decrypted(key: ServerKey, name: str, encrypted: bytes) -> bytes:
    try:
        return _cipher(key, name).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise StateUnavailable(f"state: what is held for {name} cannot be read") from error


def _cipher(key: ServerKey, approval_id: str) -> AESGCM:
    return AESGCM(key.derive(_PURPOSE, approval_id))
