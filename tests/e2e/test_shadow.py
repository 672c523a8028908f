"""A shadow policy beside the real one: it sees live traffic, is recorded and shown, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.support.asking import body_of, post
from tests.support.configuration import ENGINES, need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import EMAIL
from tests.support.waiting import holds

DENY_ALL = """package regate.rules.nobody

verdicts contains {
	"action": "deny",
	"rule": "nobody",
	"title": "Nobody",
	"message": "Nobody may.",
	"severity": "high",
	"controls": [],
}
"""
BROKEN = "package regate.rules.broken\n\nverdicts contains verdict if {\n\tverdict := {\n}\n"
ENDLESS = """package regate.rules.endless

verdicts contains {"action": "deny", "rule": "endless"} if {
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	(a * b) * c == -1
}
"""


def ready(http: httpx.Client, gateway: GatewayProcess) -> dict[str, Any]:
    answer = http.get(f"{gateway.url}/readyz")
    assert answer.status_code == 200
    shadow: dict[str, Any] = answer.json()["shadow"]
    return shadow


def await_shadow(http: httpx.Client, gateway: GatewayProcess, what: str) -> dict[str, Any]:
    assert holds(lambda: ready(http, gateway)[what]), gateway.log()
    return ready(http, gateway)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_candidate_that_would_deny_everything_denies_nothing(
    launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path, engine: str
) -> None:
    gateway = launch(
        engine=need_engine(engine), shadow=policy_copy(tmp_path, rules={"nobody.rego": DENY_ALL})
    )
    key = gateway.create_key("agent", "ana")
    await_shadow(http, gateway, "ready")
    plain = post(http, gateway, key, body_of("openai", "echo", "hello"))
    masked = post(http, gateway, key, body_of("anthropic", "echo", f"to {EMAIL}"), family="anthropic")

    assert [answer.status_code for answer in (plain, masked)] == [200, 200]
    assert [answer.headers["x-regate-action"] for answer in (plain, masked)] == ["allow", "mask"]
    assert EMAIL in masked.text
    rows = gateway.await_rows(
        "SELECT * FROM shadow WHERE phase = 'request'", enough=lambda found: len(found) == 2
    )
    assert {row["decision_id"]: (row["before"], row["after"]) for row in rows} == {
        plain.headers["x-regate-decision-id"]: ("allow", "deny"),
        masked.headers["x-regate-decision-id"]: ("mask", "deny"),
    }
    live = gateway.query("SELECT DISTINCT revision FROM decisions")
    assert [row["live_revision"] for row in rows] == [live[0]["revision"]] * 2
    assert {row["revision"] for row in rows} == {ready(http, gateway)["revision"]}
    assert rows[0]["revision"] != rows[0]["live_revision"]

    text = http.get(f"{gateway.url}/metrics").text
    assert 'regate_shadow_decisions_total{after="deny",before="allow",changed="true"} 1.0' in text
    assert "regate_shadow_ready 1.0" in text
    told = gateway.run("policy", "status")
    assert f"allow → deny: 1   {plain.headers['x-regate-decision-id']}" in told
    shadow = json.loads(gateway.run("policy", "status", "--json"))["shadow"]
    assert (shadow["ready"], shadow["dropped"]) == (True, 0)
    assert {(d["before"], d["after"], d["count"]) for d in shadow["differences"]} >= {
        ("allow", "deny", 1),
        ("mask", "deny", 1),
    }
    json.loads(gateway.run("audit", "verify", "--json"))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_candidate_that_never_ends_holds_nobody_up(
    launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path, engine: str
) -> None:
    gateway = launch(engine=need_engine(engine), shadow=policy_copy(tmp_path))
    key = gateway.create_key("agent", "ana")
    await_shadow(http, gateway, "ready")
    (tmp_path / "policy" / "rules" / "endless.rego").write_text(ENDLESS)

    answers = [post(http, gateway, key, body_of("openai", "echo", f"hello {n}")) for n in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert {answer.headers["x-regate-action"] for answer in answers} == {"allow"}
    await_shadow(http, gateway, "error")  # the probe never came back from it
    assert post(http, gateway, key, body_of("openai", "echo", "still here")).status_code == 200


def test_a_broken_candidate_shows_in_the_status_and_stops_nothing(
    launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path
) -> None:
    gateway = launch(shadow=policy_copy(tmp_path, rules={"broken.rego": BROKEN}))
    key = gateway.create_key("agent", "ana")

    assert "broken.rego" in await_shadow(http, gateway, "error")["error"]
    assert post(http, gateway, key, body_of("openai", "echo", "hello")).status_code == 200
    assert "regate_shadow_ready 0.0" in http.get(f"{gateway.url}/metrics").text
    status = gateway.cli("policy", "status")
    assert status.returncode == 0  # the policy that decides is in order
    assert "broken.rego" in status.stdout

    (tmp_path / "policy" / "rules" / "broken.rego").unlink()
    await_shadow(http, gateway, "ready")
    assert post(http, gateway, key, body_of("openai", "echo", "hello")).status_code == 200
    assert gateway.await_rows("SELECT * FROM shadow")[0]["differs"] is False
