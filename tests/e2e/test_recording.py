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
    session = ask(gateway, gateway.create_key("bot", "dana"), SAID)
    gateway.stop()
    return gateway, session


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
    assert "cannot be decrypted" in gateway.cli("sessions", "show", session, "--full").stderr


def test_what_was_said_is_erased_from_every_file_while_the_gateway_runs(
    provider: FakeProvider, tmp_path: Path
) -> None:
    config = configuration(provider.url, engine="embedded", policy=policy_copy(tmp_path, {"record": "full"}))
    gateway = GatewayProcess(tmp_path / "gateway", config).start()
    key = gateway.create_key("bot", "dana")
    sessions = [ask(gateway, key, f"{SAID} {name}") for name in ("alpha", "omega")]

    told = json.loads(gateway.run("audit", "erase", "--session", sessions[0], "--yes", "--json"))

    assert (told["left"], told["open_approvals"]) == (0, 0)
    assert told["erased"] > 0
    ask(gateway, key, "and on it goes")
    gateway.stop()
    assert "alpha" not in evidence(gateway)
    assert not any(b"alpha" in path.read_bytes() for path in gateway.folder.rglob("*.db*"))
    assert "omega" in evidence(gateway)
    verified = json.loads(gateway.run("audit", "verify", "--json"))
    assert verified["intact"], verified
    orders = "select body->>'$.session_id' as s from records where code = 'erasure_ordered'"
    assert json.loads(gateway.run("audit", "sql", orders, "--json")) == [{"s": sessions[0]}]
    assert gateway.cli("audit", "erase", "--session", sessions[0], "--yes").returncode == 1


def ask(gateway: GatewayProcess, key: str, text: str) -> str:
    """Ask, and return the session."""
    answer = httpx.post(
        f"{gateway.url}/openai/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "echo", "messages": [{"role": "user", "content": text}]},
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-regate-session-id"]
