"""Two workers under load while their policy is edited: nobody is refused, and each revision decides alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.policy import load_source, read_reports
from tests.e2e.conftest import Launch
from tests.support.asking import body_of, post
from tests.support.configuration import any_engine, edit_settings, policy_copy
from tests.support.gateway import GatewayProcess
from tests.support.waiting import PATIENCE_SECONDS, until

MODELS = {200: ["*"], 403: ["other-*"]}
BROKEN = "package regate.rules.broken\n\nverdicts contains verdict if {\n\tverdict := nobody(1)\n}\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return policy_copy(tmp_path)


@pytest.fixture
def pair(launch: Launch, policy: Path) -> GatewayProcess:
    gateway = launch(engine=any_engine(), policy=policy, workers=2)
    until(lambda: len(running(gateway)) == 2)
    return gateway


def running(gateway: GatewayProcess) -> list[dict[str, Any]]:
    """What the workers say, as `regate policy status` reads it."""
    return read_reports(gateway.state.with_name("policy-status"))


def test_edits_under_load_refuse_nobody_and_a_broken_one_changes_nothing(
    pair: GatewayProcess, policy: Path, many: ThreadPoolExecutor
) -> None:
    key, stop = pair.create_key("agent", "ana"), threading.Event()

    def load() -> set[int]:
        seen = set()
        each_anew = httpx.Limits(max_keepalive_connections=0)  # a new connection finds either worker
        with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False, limits=each_anew) as http:
            while not stop.wait(0.02):
                seen.add(post(http, pair, key, body_of("openai", "echo", "hello")).status_code)
        return seen

    loads = [many.submit(load) for _ in range(3)]
    try:
        revisions = {worker["revision"] for worker in running(pair)}
        for status in (403, 200, 403):
            edit_settings(policy, {"groups": {"default": {"models": MODELS[status]}}})
            revision = load_source(policy).revision
            until(lambda new=revision: [each["revision"] for each in running(pair)] == [new] * 2)  # type: ignore[misc]
            time.sleep(0.5)  # and is asked
            revisions.add(revision)
        (policy / "rules" / "broken.rego").write_text(BROKEN)
        until(lambda: all("broken.rego" in worker["error"] for worker in running(pair)))
        told = pair.cli("policy", "status")
        assert told.returncode == 1
        assert told.stdout.count("the last good policy stays in force") == 2
        with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http:
            ready = http.get(f"{pair.url}/readyz")
            assert ready.status_code == 200
            assert "broken.rego" in ready.json()["policy"]["error"]
            assert "\nregate_policy_reload_failing 1.0\n" in http.get(f"{pair.url}/metrics").text
        assert "the last good policy stays in force" in pair.log()
    finally:
        stop.set()
    assert {status for each in loads for status in each.result()} == {200, 403}

    decided = pair.await_rows(
        "SELECT revision, list(DISTINCT action) AS actions FROM decisions GROUP BY revision",
        enough=lambda rows: len(rows) == len(revisions),
    )
    assert {row["revision"] for row in decided} == revisions
    assert all(len(row["actions"]) == 1 for row in decided), decided
