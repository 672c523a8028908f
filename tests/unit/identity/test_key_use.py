"""When a key was last used is known within a minute, and never waited for."""

from __future__ import annotations

from pathlib import Path

from gateway.identity import Identity, create_key
from gateway.state import Keys, open_state


async def test_the_last_use_of_a_key_is_written_down_once_a_minute(tmp_path: Path) -> None:
    state, now = open_state(tmp_path / "regate.db"), [1_000.0]
    keys = Keys(state)
    _, key = create_key(keys, agent="bot", owner="ana", now=now[0])
    identity = Identity(keys, now=lambda: now[0])
    for seconds in (1_000.0, 1_030.0, 1_061.0):
        now[0] = seconds
        await identity.identify(f"Bearer {key}", None, None)
        await identity._used.close()
        assert keys.list()[0].last_used_at == (1_061.0 if seconds > 1_060 else 1_000.0)
    await identity.close()
    state.close()
