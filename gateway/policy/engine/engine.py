"""What every policy engine does, and what both need: an input as JSON, and a probe for new policy."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from gateway.contract import Decision, InputFacts, build_input
from gateway.errors import PolicyError
from gateway.policy.source.source import PolicySource


class PolicyEngine(Protocol):
    """Evaluates one policy source at a time; a new one replaces the old between two decisions."""

    @property
    def name(self) -> str: ...

    @property
    def ready(self) -> bool:
        """Whether a decision can be made now."""
        ...

    async def start(self, source: PolicySource) -> None:
        """Evaluate `source` from now on.

        Raises ConfigError when the source cannot be used, PolicyUnavailable when the engine cannot run;
        whatever was in force before stays in force then.
        """
        ...

    async def renew(self, source: PolicySource) -> None:
        """Decide by the tables of `source`, whose policy is in force, from now on. Raises as `start`."""
        ...

    async def decide(self, document: dict[str, Any]) -> Decision:
        """Decide. Raises PolicyUnavailable (unreachable, late), PolicyError (undefined, malformed)."""
        ...

    async def close(self) -> None: ...


def encode(document: dict[str, Any], *, wide_integers: bool = True) -> bytes:
    """Return the document as JSON, integers exact.

    Raises PolicyError when it is no JSON, or has an integer over 64 bits that the engine would round.
    """
    try:
        return orjson.dumps(document)
    except TypeError as error:
        if not wide_integers:
            raise PolicyError(
                "the policy input is no JSON, or has an integer of more than 64 bits"
            ) from error
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise PolicyError("the policy input cannot be written as JSON") from error


def probe() -> dict[str, Any]:
    """Return the input of an empty request. A policy that is undefined for it must not go live."""
    return build_input(InputFacts(time=datetime.fromtimestamp(0, UTC), exchange_id="probe"))
