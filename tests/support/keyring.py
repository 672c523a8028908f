"""The keys that tests ask with: those of people by the real command, those of test groups beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
_PEOPLE = {
    "approver": ("bob", "--role", "approver"),
    "second": ("carol", "--role", "approver"),
    "guard": ("dave", "--role", "approver", "--group", "security"),
    "themselves": (OWNER, "--role", "approver"),
    "auditor": ("erin", "--role", "auditor"),
    "delegate": (OWNER, "--delegate"),
}


@dataclass(frozen=True, slots=True)
class Keyring:
    """`agents` by the one group they are in, `people` by what they are here for."""

    agents: Mapping[str, str]
    people: Mapping[str, str]


def cut_keys(gateway: GatewayProcess) -> Keyring:
    """Make all keys. The command takes a second each, so the many agents' keys are made without it."""
    state = open_state(gateway.state)
    try:
        agents = {group: _made(state, agent=f"agent-{group}", groups=(group,)) for group in GROUPS}
        expired = _made(state, agent="late", expires_seconds=60, now=time.time() - 3600)
    finally:
        state.close()
    with ThreadPoolExecutor(max_workers=2) as pool:
        people = {
            name: pool.submit(gateway.create_key, f"key-{name}", owner, *options)
            for name, (owner, *options) in _PEOPLE.items()
        }
        return Keyring(agents, {name: made.result() for name, made in people.items()} | {"expired": expired})


def _made(state: State, *, agent: str, now: float | None = None, **options: Any) -> str:
    return create_key(Keys(state), agent=agent, owner=OWNER, now=now or time.time(), **options)[1]
