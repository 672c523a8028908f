"""The keys that tests ask with, made by the real command."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gateway.identity import create_key
from gateway.state import Keys, open_state
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
    """Make all keys, a few at a time: each is a process."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        agents = {
            group: pool.submit(gateway.create_key, f"agent-{group}", OWNER, "--group", group)
            for group in GROUPS
        }
        people = {
            name: pool.submit(gateway.create_key, f"key-{name}", owner, *options)
            for name, (owner, *options) in _PEOPLE.items()
        }
        return Keyring(
            {name: made.result() for name, made in agents.items()},
            {name: made.result() for name, made in people.items()} | {"expired": _expired(gateway)},
        )


def _expired(gateway: GatewayProcess) -> str:
    """A key whose hour has passed: the command's shortest life is a minute, so its clock is set back."""
    state = open_state(gateway.state)
    try:
        past = time.time() - 3600
        return create_key(Keys(state), agent="late", owner=OWNER, expires_seconds=60, now=past)[1]
    finally:
        state.close()
