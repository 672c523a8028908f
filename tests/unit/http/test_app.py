"""The application as a whole, in one process: its pages, its readiness, and the dry run."""

from __future__ import annotations

import pytest

from tests.support.application import Opened
from tests.support.values import EMAIL, PEM


async def test_a_fresh_gateway_is_alive_and_ready(opened: Opened) -> None:
    async with opened() as running:
        alive = await running.http.get("/healthz")
        ready = await running.http.get("/readyz")

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert ready.json()["policy"]["engine"] == "embedded"


async def test_a_journal_that_is_closed_makes_it_not_ready_and_refuses(opened: Opened) -> None:
    async with opened() as running:
        running.worker.journal.close()
        ready = await running.http.get("/readyz")
        answer = await running.ask("hello")

    assert ready.status_code == 503
    assert "audit" in ready.json()["problems"][0]
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "recording_failed")


async def test_a_policy_engine_that_is_closed_makes_it_not_ready_and_refuses(opened: Opened) -> None:
    async with opened() as running:
        await running.worker.policies.close()
        ready = await running.http.get("/readyz")
        answer = await running.ask("hello")

    assert ready.status_code == 503
    assert "policy" in ready.json()["problems"][0]
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "policy_unavailable")


async def test_metrics_count_exchanges_by_action_and_never_by_content(opened: Opened) -> None:
    async with opened() as running:
        await running.ask("hello")
        await running.ask(f"to {EMAIL}")
        await running.ask(PEM)
        text = (await running.http.get("/metrics")).text

    for action in ("allow", "mask", "deny"):
        assert f'action="{action}"' in text
    assert EMAIL not in text
    assert running.key not in text


async def test_a_dry_run_records_what_it_would_have_done_and_does_nothing(opened: Opened) -> None:
    async with opened(enforce=False) as running:
        masked = await running.ask(f"to {EMAIL}")
        denied = await running.ask(f"keep {PEM}")

    for answer, action in ((masked, "mask"), (denied, "deny")):
        assert answer.status_code == 200
        assert answer.headers["x-regate-action"] == action
        assert answer.headers["x-regate-enforced"] == "false"
    assert masked.json()["choices"][0]["message"]["content"] == f"You said: to {EMAIL}"


async def test_a_dry_run_still_refuses_what_it_cannot_decide_or_record(opened: Opened) -> None:
    async with opened(enforce=False) as running:
        running.worker.journal.close()
        answer = await running.ask("hello")

    assert answer.json()["error"]["code"] == "recording_failed"


@pytest.mark.parametrize("path", ["/healthz/", "/nowhere", "/demo"])
async def test_what_is_no_page_is_a_data_path_and_wants_a_key(opened: Opened, path: str) -> None:
    async with opened() as running:
        answer = await running.http.get(path)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
