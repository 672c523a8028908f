"""What an approval is for: exactly one request, as exactly one agent asked it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config import ServerKey
from gateway.words import Agent, Phase


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything an approval depends on. `digest` is the keyed digest of the unmasked body and its headers.

    The policy revision does not belong to it: the policy in force when the approval is used sees the approval
    and has the last word. The agent's owner and end user belong to it: two people behind one agent must not
    join each other's approvals, or each could approve what is then their own.
    """

    agent: Agent
    method: str
    path: str
    query: str
    provider: str
    phase: Phase
    digest: str

    def fingerprint(self, key: ServerKey) -> str:
        """Equal for equal bindings only."""
        who = [self.agent.id, self.agent.owner, self.agent.on_behalf_of]
        if (
            self.agent.delegated == "proved"
        ):  # what was approved for a proved person is not for an asserted one
            who.append("proved")
        what = (self.method, self.path, self.query, self.provider, self.phase, self.digest)
        return key.digest("approval/binding", *(field.encode() for field in (*who, *what))).hex()
