"""What the admin API and the console stand on, for real: state, journal, approvals, evidence and keys."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.approvals import Approvals, Binding
from gateway.audit import Journal, Record, new_writer
from gateway.audit.reading.sql import query
from gateway.config import Config, PolicySettings, Provider
from gateway.config.server_key import ServerKey
from gateway.contract.decision import ApprovalTerms
from gateway.identity import Identity, create_key
from gateway.oversight import Evidence, Keyring, Oversight, PinnedTools
from gateway.policy import Policies
from gateway.state import Approval, ApprovalStore, KeyRow, Keys, Role, State, ToolPins, open_state
from gateway.words import Agent
from tests.support.configuration import SHIPPED
from tests.support.contents import told

REASON = {
    "rule": "bulk.personal_values",
    "title": "Bulk export",
    "message": "30 personal values",
    "severity": "high",
    "controls": ["SOC2:CC6.7"],
}


@dataclass(frozen=True, slots=True)
class Desk:
    """One gateway's people side, without its data path."""

    state: State
    journal: Journal
    oversight: Oversight
    secret: ServerKey
    audit: Path

    def key(
        self,
        owner: str,
        role: Role = "approver",
        *,
        agent: str = "desk",
        groups: Sequence[str] = ("default",),
        now: float | None = None,
        expires_seconds: float | None = None,
    ) -> tuple[KeyRow, str]:
        """A key of a person or an agent: its row, and itself."""
        return create_key(
            Keys(self.state),
            agent=agent,
            owner=owner,
            role=role,
            groups=groups,
            expires_seconds=expires_seconds,
            now=time.time() if now is None else now,
        )

    async def ask(self, asking: KeyRow, summary: str = "user: hello", **terms: Any) -> Approval:
        """An approval that waits, asked for by an agent's key."""
        agent = Agent(asking.agent, asking.owner, "api_key", asking.groups, key_id=asking.id)
        binding = Binding(agent, "POST", "/v1/chat/completions", "", "openai", "request", summary)
        return await self.oversight.approvals.hold(
            binding,
            ApprovalTerms(**terms),
            revision="r1",
            exchange_id="ex_held",
            session_id="se_held",
            reasons=[REASON],
            contents=told(summary),
        )

    async def exchange(self, exchange_id: str, prompt: str, answer: str = "fine", **fields: Any) -> None:
        """An exchange as the data path records it."""
        known = {
            "exchange_id": exchange_id,
            "session_id": "se_one",
            "agent": "coder",
            "owner": "ana",
            "provider": "openai",
            "dialect": "openai.chat",
            "model": "gpt-4o",
            "method": "POST",
            "path": "/v1/chat/completions",
            **fields,
        }
        await self.journal.record(
            Record(
                kind="decision",
                phase="request",
                action="mask",
                decision_id=f"dec_{exchange_id}",
                duration_ms=4.5,
                reasons=(REASON,),
                findings=({"entity": "EMAIL_ADDRESS", "category": "pii", "count": 2},),
                body={"parts": [_part("user", "/messages/0/content", prompt)]},
                **known,
            )
        )
        await self.journal.record(
            Record(
                kind="completion",
                status=200,
                duration_ms=12.5,
                input_tokens=9,
                output_tokens=3,
                body={"parts": [_part("assistant", "/choices/0/message/content", answer)]},
                **known,
            )
        )

    def records(self) -> list[dict[str, Any]]:
        """What the gateway itself wrote down: keys made and revoked."""
        with query(self.audit, "SELECT code, body FROM records WHERE kind = 'gateway' ORDER BY seq") as rows:
            return [{"code": code, **body} for code, body in rows.rows]


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """Everything real; the policy engine is not started."""
    state = open_state(folder / "state" / "regate.db")
    audit, secret = folder / "audit", ServerKey(bytes(32))
    journal = Journal(audit, new_writer(), key=folder / "state" / "evidence.key")
    journal.start()
    approvals = Approvals(ApprovalStore(state), journal, secret, poll_seconds=0.05)
    config = Config(
        providers={"demo": Provider("openai", "builtin:demo")}, policy=PolicySettings(path=str(SHIPPED))
    )
    policies = Policies(config, logging.getLogger("test.policy"))
    keys = Keys(state)
    keyring, tools = Keyring(keys, approvals, journal), PinnedTools(ToolPins(state), journal)
    oversight = Oversight(Identity(keys), approvals, Evidence(audit), keyring, policies, tools)
    try:
        yield Desk(state, journal, oversight, secret, audit)
    finally:
        await policies.close()
        await approvals.close()
        journal.close()
        state.close()


def _part(role: str, pointer: str, text: str) -> dict[str, Any]:
    return {"role": role, "kind": "text", "pointer": pointer, "digest": text, "new": True, "text": text}
