"""The policy in its engine for one moment, as a gateway would load it."""

from __future__ import annotations

import logging
from typing import Any

from gateway.config import Config
from gateway.contract import Decision
from gateway.policy import configured_policy, new_engine

_log = logging.getLogger("regate.policy")


async def load(config: Config, document: dict[str, Any] | None = None) -> Decision | None:
    """Load the policy into its engine, ask it about `document` if there is one, and end the engine."""
    engine = new_engine(config, _log)
    try:
        await engine.start(configured_policy(config))
        return None if document is None else await engine.decide(document)
    finally:
        await engine.close()
