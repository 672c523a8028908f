"""The engine for production: the official OPA, a child process over a Unix socket."""

from __future__ import annotations

import logging
from pathlib import Path

from gateway.policy.engine.opa_server import OpaServer
from gateway.policy.engine.supervised import Supervised
from gateway.policy.source.source import PolicySource


class Sidecar(Supervised):
    """A PolicyEngine that asks OPA."""

    name = "sidecar"

    def __init__(self, opa: Path, timeout_seconds: float, log: logging.Logger) -> None:
        super().__init__(timeout_seconds, log)
        self._opa = opa

    def _new_child(self, source: PolicySource) -> OpaServer:
        return OpaServer(self._opa, source, self._timeout_seconds)
