"""What the evidence keeps of a prompt, by `settings.record`, and who may read it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.support.configuration import configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import CARD, EMAIL

SAID = f"Remember the heron: {EMAIL} pays with {CARD}."


def recorded(level: str, provider: FakeProvider, folder: Path) -> tuple[GatewayProcess, str]:
    """A gateway that recorded one exchange at this level and ended, and the exchange's session."""
    policy = policy_copy(folder, {"record": level})
    gateway = GatewayProcess(folder, configuration(provider.url, engine="embedded", policy=policy)).start()
    answer = httpx.post(
        f"{gateway.url}/openai/v1/chat/completions",
        headers={"authorization": f"Bearer {gateway.create_key('bot', 'dana')}"},
        json={"model": "echo", "messages": [{"role": "user", "content": SAID}]},
    )
    assert answer.status_code == 200, answer.text
    gateway.stop()
    return gateway, answer.headers["x-regate-session-id"]


def evidence(gateway: GatewayProcess) -> str:
    rows = gateway.run("audit", "sql", "select * from records", "--json")
    return rows + "".join(
        path.read_text() for path in (gateway.folder / "audit" / "journal").glob("*.ndjson")
    )


@pytest.mark.parametrize("level", ["masked", "metadata", "full"])
def test_no_value_of_a_prompt_is_on_disk_in_clear_at_any_level(
    provider: FakeProvider, tmp_path: Path, level: str
) -> None:
    gateway, session = recorded(level, provider, tmp_path)
    kept = evidence(gateway)
    assert EMAIL not in kept
    assert CARD not in kept
    assert ("heron" in kept) == (level != "metadata")
    assert EMAIL not in gateway.run("sessions", "show", session)
    assert "intact" in gateway.run("audit", "verify")


def test_full_content_is_read_with_the_content_key_and_the_reading_is_on_record(
    provider: FakeProvider, tmp_path: Path
) -> None:
    gateway, session = recorded("full", provider, tmp_path)

    shown = json.loads(gateway.run("sessions", "show", session, "--full", "--json"))

    assert SAID in [part["text"] for part in shown[0]["parts"]]
    read = gateway.run("audit", "sql", "select session_id from records where code = 'content_read'", "--json")
    assert json.loads(read) == [{"session_id": session}]
    (gateway.folder / "state" / "server.key").write_bytes(b"k" * 32)  # another gateway's
    assert "does not open" in gateway.cli("sessions", "show", session, "--full").stderr
