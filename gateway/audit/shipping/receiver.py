"""What every receiver is asked to do, and how it says no."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.audit.shipping.messages import Message
from gateway.errors import RegateError

SECONDS = 30.0  # for one batch, from connecting to the receiver's yes


class NotTaken(RegateError):
    """The receiver did not say that it has a batch. `too_much`: fewer or shorter messages may do."""

    def __init__(self, reason: str, *, too_much: bool = False) -> None:
        super().__init__(reason)
        self.too_much = too_much


class Sends(Protocol):
    """A way to a receiver."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once the receiver has said that it has them all. Raises NotTaken."""

    async def close(self) -> None:
        """Let go of connections."""


def tls_context(ca: Path | None, certificate: Path | None) -> ssl.SSLContext:
    """Return what checks a receiver's certificate, and shows ours. Raises NotTaken."""
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate:
            context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise NotTaken(f"the certificates cannot be read: {ca or ''} {certificate or ''}: {error}") from error
    return context
