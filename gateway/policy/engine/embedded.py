"""The engine where there is no OPA: regorus, in a child process so that a rule can be timed out."""

from __future__ import annotations

import importlib.util
import logging

from gateway.policy.engine.opa import GET_OPA
from gateway.policy.engine.regorus_process import RegorusProcess
from gateway.policy.engine.supervised import Supervised
from gateway.policy.source.source import PolicySource


class Embedded(Supervised):
    """A PolicyEngine that asks regorus: one question at a time, without crypto.*, io.jwt.* and graphql.*."""

    name = "embedded"

    def __init__(self, timeout_seconds: float, log: logging.Logger) -> None:
        super().__init__(timeout_seconds, log)
        log.warning(
            "policy is evaluated by the embedded engine: one request at a time, without crypto.*, io.jwt.* "
            f"and graphql.*; for production, {GET_OPA}"
        )

    def _new_child(self, source: PolicySource) -> RegorusProcess:
        return RegorusProcess(source, self._timeout_seconds)


def embedded_available() -> bool:
    """Return whether regorus is installed (the optional extra `embedded`)."""
    return importlib.util.find_spec("regorus") is not None
