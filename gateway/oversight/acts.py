"""Acts of people and of the gateway itself, as records: what was done, by whom, and through which face."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import Literal

from gateway.approvals import Recorder
from gateway.audit.files import Record
from gateway.config import Config
from gateway.state import KeyRow

# What gives or ends authority, changes what is enforced, or reads the evidence as a whole.
Act = Literal[
    "started",
    "policy_activated",
    "policy_used",
    "signing_key_created",
    "key_created",
    "key_revoked",
    "key_replaced",
    "evidence_queried",
    "evidence_exported",
    "content_read",
    "erasure_ordered",
    "subject_sought",
    "hold_placed",
    "hold_released",
    "key_rotated",
    "tool_forgotten",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the owner of an API key, or a user of the operating system."""

    name: str
    face: Literal["api", "cli", "gateway"]
    key_id: str = ""

    def record(self, act: Act, *, session_id: str = "", **body: object) -> Record:
        """Return the record of an act of this actor's."""
        about = {"session_id": session_id} if session_id else {}
        said = {**about, **body, "by": self.name, "by_key": self.key_id, "face": self.face}
        return Record("gateway", code=act, session_id=session_id, key_id=self.key_id or None, body=said)


def local_user(face: Literal["cli", "gateway"] = "cli") -> Actor:
    """Return the user of the operating system that runs this process; its number where it has no name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return Actor(name, face)


class Acts:
    """Writes acts down before they take effect."""

    def __init__(self, journal: Recorder) -> None:
        self._journal = journal

    async def note(self, by: Actor | KeyRow, act: Act, *, session_id: str = "", **body: object) -> None:
        """Record an act, also of the holder of an API key; it is durable when this returns.

        Raises RecordingFailed: then the act must not happen.
        """
        actor = by if isinstance(by, Actor) else Actor(by.owner, "api", by.id)
        await self._journal.record(actor.record(act, session_id=session_id, **body))


def settings_in_force(config: Config) -> dict[str, object]:
    """Return the settings that decide what is enforced, kept and called; no secret, nor where one is."""
    policy, audit = config.policy, config.audit
    return {
        "enforce": policy.enforce,
        "engine": policy.engine,
        "policy": policy.path,
        "shadow": policy.shadow,
        "retention": audit.retention,
        "anchor": bool(audit.anchor),
        "receivers": {one.name: {"url": one.url, "format": one.format} for one in audit.receivers},
        "listen": config.listen,
        "listen_tls": bool(config.listen_tls),
        "issuers": sorted(one.issuer for one in config.oidc.issuers),
        "providers": {
            name: {
                "family": provider.family,
                "base_url": provider.base_url,
                "credential": bool(provider.references),
            }
            for name, provider in sorted(config.providers.items())
        },
    }
