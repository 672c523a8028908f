"""TLS by the gateway itself, with certificate, key and the clients' authorities as their files are now."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from gateway.config import ListenTls, path_of
from gateway.errors import ConfigError

_LOOK_SECONDS = 1.0
_log = logging.getLogger("regate.tls")


class RenewedContext(ssl.SSLContext):
    """A context for each new connection: that of the files as they are, or as they were when they last fit.

    Certificate and key are two files, and a renewal writes one before the other. Connections that are open
    keep what they began with. Raises ConfigError when the files do not fit at the start.
    """

    def __new__(cls, *_: object, **__: object) -> Self:
        """Make the outer context, which gives its work to the current one."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, settings: ListenTls, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._root = root
        self._clock = clock
        self._looked_at = clock()
        self._seen = self._told = self._files()
        try:
            self._current = self._made()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"listen_tls: the files cannot be used: {error}") from error

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection."""
        self._look()
        return self._current.wrap_bio(*arguments, **options)

    def _look(self) -> None:
        if (now := self._clock()) - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        if (files := self._files()) == self._seen:
            return
        try:
            self._current, self._seen = self._made(), files
            _log.info("the certificate was read again")
        except (OSError, ssl.SSLError) as error:
            if files != self._told:
                _log.error("listen_tls: the changed files cannot be used, the former go on: %s", error)
            self._told = files

    def _made(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path_of(self._root, settings.certificate), path_of(self._root, settings.key))
        context.set_alpn_protocols(["http/1.1"])
        if settings.client_ca:
            context.load_verify_locations(path_of(self._root, settings.client_ca))
            is_required = settings.client == "required"
            context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
        return context

    def _files(self) -> list[tuple[int, int, int]]:
        """Return what changes when one of the files does."""
        found = []
        for name in filter(None, (self._settings.certificate, self._settings.key, self._settings.client_ca)):
            try:
                status = path_of(self._root, name).stat()
                found.append((status.st_mtime_ns, status.st_ino, status.st_size))
            except OSError:
                found.append((-1, -1, -1))
        return found
