"""Visits: an encrypted cookie that names a key without containing it, and the token of each form."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import time
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request
from starlette.responses import Response

from gateway.config import ServerKey

COOKIE = "regate_console"
LIFE_SECONDS = 3600
LINK_SECONDS = 600
_PURPOSE = b"console visit 1"
_LINK_PURPOSE = b"console link 1"
_NONCE_BYTES = 12
_MAX_COOKIE = 1024


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One visit; `key_id` is "" before sign-in. `until` is in seconds since 1970."""

    id: str
    key_id: str
    until: float


class Visits:
    """Opens visits and recognizes their cookies. Whether the key is still valid is checked elsewhere."""

    def __init__(self, key: ServerKey, *, now: Callable[[], float] = time.time) -> None:
        self._cipher = AESGCM(key.derive("console/cookie"))
        self._form_key = key.derive("console/form")
        self._now = now

    def open(self, key_id: str = "") -> Visit:
        """Open a visit. Sign-in opens another one, so that a cookie from before it is of no use."""
        return Visit(secrets.token_urlsafe(18), key_id, self._now() + LIFE_SECONDS)

    def of(self, request: Request) -> Visit | None:
        """Return the visit of the request's cookie; None when the cookie is forged or has expired."""
        return self._opened(request.cookies.get(COOKIE, ""), _PURPOSE)

    def link(self, key_id: str) -> str:
        """Return the code of a link that signs the key's owner in, within ten minutes."""
        visit = Visit(secrets.token_urlsafe(18), key_id, self._now() + LINK_SECONDS)
        return self._encrypted(visit, _LINK_PURPOSE)

    def of_link(self, code: str) -> Visit | None:
        """Return what a link's code says; None when it is forged or too old. Its use is noted elsewhere."""
        return self._opened(code, _LINK_PURPOSE)

    def _encrypted(self, visit: Visit, purpose: bytes) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(visit), purpose)
        return base64.urlsafe_b64encode(encrypted).decode().rstrip("=")  # unquoted in headers and URLs

    def _opened(self, text: str, purpose: bytes) -> Visit | None:
        if not 0 < len(text) <= _MAX_COOKIE:
            return None
        try:
            encrypted = base64.urlsafe_b64decode(text + "==")
            opened = self._cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], purpose)
            visit = msgspec.json.decode(opened, type=Visit)
        except (binascii.Error, ValueError, InvalidTag, msgspec.DecodeError):
            return None
        return visit if visit.until > self._now() else None

    def keep(self, visit: Visit, request: Request, response: Response) -> None:
        """Set the cookie. Only these pages get it; neither scripts nor other sites can use it."""
        response.set_cookie(
            COOKIE,
            self._encrypted(visit, _PURPOSE),
            max_age=max(0, round(visit.until - self._now())),
            path="/console",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def forget(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict")

    def form_token(self, visit: Visit) -> str:
        """Return the token of this visit's forms, which pages of other sites cannot know."""
        return hmac.new(self._form_key, visit.id.encode(), "sha256").hexdigest()

    def is_own_form(self, visit: Visit, token: str) -> bool:
        return hmac.compare_digest(self.form_token(visit).encode(), token.encode())
