"""The keys that tests ask with: an agent for each group of the test policy, and the people around them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.identity import create_key
from gateway.state import Keys, State, open_state
from tests.support.gateway import GatewayProcess

OWNER = "ana"
GROUPS = (
    "default",
    "denies",
    "one-model",
    "one-provider",
    "hold-briefly",
    "hold-long",
    "hold-expiring",
    "hold-by-two",
    "hold-for-security",
    "insatiable",
    "always",
    "no-answers",
)
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Keyring:
    """`agents` by the one group they are in, `people` by what they are here for."""

    agents: Mapping[str, str]
    people: Mapping[str, str]


def cut_keys(gateway: GatewayProcess) -> Keyring:
    """Make all keys here: a process each would take long."""
    state = open_state(gateway.state)
    try:
        agents = {group: _made(state, f"agent-{group}", groups=(group,)) for group in GROUPS}
        people = {
            "approver": _made(state, "bob", owner="bob", role="approver"),
            "second": _made(state, "carol", owner="carol", role="approver"),
            "guard": _made(state, "dave", owner="dave", role="approver", groups=("security",)),
            "themselves": _made(state, "ana", role="approver"),
            "auditor": _made(state, "erin", owner="erin", role="auditor"),
            "delegate": _made(state, "delegate", delegate=True),
            "expired": _made(state, "late", expires_seconds=60, now=time.time() - _HOUR),
        }
    finally:
        state.close()
    return Keyring(agents, people)


def _made(state: State, agent: str, *, owner: str = OWNER, now: float | None = None, **options: Any) -> str:
    return create_key(Keys(state), agent=agent, owner=owner, now=now or time.time(), **options)[1]
