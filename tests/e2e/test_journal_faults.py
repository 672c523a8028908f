"""A disk under the journal that is full or read-only: what cannot be recorded does not happen."""

from __future__ import annotations

import resource

import httpx
import pytest

from tests.e2e.conftest import Disk, Launch
from tests.support.asking import body_of, post, refusal
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import DidNotStart
from tests.support.processes import forbid_writing
from tests.support.waiting import holds

FAILED = (503, "recording_failed")
UNCOUNTED = (503, "state_unavailable")  # usage is reserved before anything is recorded


@pytest.mark.parametrize("fault", ["full disk", "write error"])
def test_a_disk_that_takes_no_records_refuses_every_prompt_until_it_does(
    launch: Launch, disk: Disk, provider: FakeProvider, http: httpx.Client, fault: str
) -> None:
    gateway = launch(audit={"path": str(disk.path / "audit")})
    key = gateway.create_key("agent", "ana")
    assert post(http, gateway, key, body_of("openai", "echo", "before")).status_code == 200
    provider.forget()

    disk.fill() if fault == "full disk" else forbid_writing(gateway.pid)
    answers = [post(http, gateway, key, body_of("openai", "echo", "during " * 300)) for _ in range(5)]
    assert [refusal(answer) for answer in answers] == [FAILED if fault == "full disk" else UNCOUNTED] * 5
    assert provider.received() == []
    ready = http.get(f"{gateway.url}/readyz")
    assert ready.status_code == 503
    assert ("audit" if fault == "full disk" else "usage") in str(ready.json()["problems"])

    disk.empty() if fault == "full disk" else forbid_writing(gateway.pid, resource.RLIM_INFINITY)
    after = body_of("openai", "echo", "after")
    assert holds(lambda: post(http, gateway, key, after).status_code == 200), gateway.log()
    assert http.get(f"{gateway.url}/readyz").status_code == 200
    assert gateway.stop() == 0
    verified = gateway.cli("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    prompts = " ".join(row["prompt"] or "" for row in gateway.query("SELECT prompt FROM contents"))
    assert "before" in prompts
    assert "after" in prompts
    assert "during" not in prompts


def test_a_gateway_on_a_read_only_disk_does_not_start(launch: Launch, disk: Disk) -> None:
    disk.make_read_only()
    with pytest.raises(DidNotStart) as caught:
        launch(audit={"path": str(disk.path / "audit")})

    assert caught.value.code in (1, 2)
    assert "Read-only file system" in caught.value.log
    assert "Traceback" not in caught.value.log


def test_a_full_disk_under_the_state_refuses_what_cannot_be_counted_until_it_is_free(
    launch: Launch, disk: Disk, provider: FakeProvider, http: httpx.Client
) -> None:
    gateway = launch(state=f"sqlite:///{disk.path}/regate.db")
    key = gateway.create_key("agent", "ana")
    disk.fill()

    prompt = body_of("openai", "echo", "hello")
    assert refusal(post(http, gateway, key, prompt)) == UNCOUNTED
    assert provider.received() == []
    disk.empty()
    assert holds(lambda: post(http, gateway, key, prompt).status_code == 200), gateway.log()
