"""An OPA run elsewhere, over TLS, that pulls its policy from the gateway which asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_bundles import DENY, in_force
from tests.support.asking import body_of, post, refusal
from tests.support.configuration import configuration, edit_settings, need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import DidNotStart, GatewayProcess
from tests.support.pulling_opa import TOKEN, PullingOpa
from tests.support.waiting import until

GRACE = 3.0


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return policy_copy(tmp_path)


@pytest.fixture
def pair(provider: FakeProvider, policy: Path, tmp_path: Path) -> Iterator[tuple[GatewayProcess, PullingOpa]]:
    """A gateway that asks an OPA elsewhere, and that OPA, which has not been started."""
    need_engine("sidecar")
    folder = tmp_path / "gateway"
    opa = PullingOpa(tmp_path / "opa", "", "", folder / "state" / "policy.pub", "active", tls=True)
    opa.certify()
    config = configuration(provider.url, engine="sidecar", policy=policy)
    config["policy"]["opa"] = {
        "url": opa.address,
        "token": "env:OPA_TOKEN",
        "ca": str(opa.ca),
        "grace_seconds": GRACE,
    }
    gateway = GatewayProcess(folder, config, {"OPA_TOKEN": TOKEN})
    folder.mkdir()
    gateway.configure()
    gateway.run("policy", "keygen")
    gateway.start()
    opa.url, opa.key = gateway.url, gateway.create_key("opa", "ops", role="opa")
    yield gateway, opa
    opa.stop()
    gateway.kill()


def test_the_gateway_is_decided_for_elsewhere_and_never_by_a_policy_that_is_not_in_force(
    pair: tuple[GatewayProcess, PullingOpa], policy: Path, http: httpx.Client
) -> None:
    gateway, opa = pair
    key = gateway.create_key("agent", "ana")

    def ask() -> httpx.Response:
        return post(http, gateway, key, body_of("openai", "echo", "hello"))

    # nobody decides: nothing passes, and readiness says so
    assert refusal(ask()) == (503, "policy_unavailable")
    assert http.get(f"{gateway.url}/readyz").status_code == 503

    opa.start()
    until(lambda: http.get(f"{gateway.url}/readyz").status_code == 200)
    first = in_force(http, gateway)["revision"]
    assert ask().status_code == 200
    assert metric(http, gateway, "pull_current") == 1
    assert metric(http, gateway, "pull_age_seconds") < 30

    # it follows an edit, and not one request is refused meanwhile
    edit_settings(policy, DENY)
    answers: list[int] = []
    until(lambda: answers.append(ask().status_code) or answers[-1] == 403)  # type: ignore[func-returns-value]
    assert set(answers) == {200, 403} or answers == [403]
    second = in_force(http, gateway)["revision"]
    assert second != first

    # a broken edit goes nowhere
    (policy / "rules" / "broken.rego").write_text("package regate.rules.broken\n\nverdicts contains x if {\n")
    until(lambda: "broken.rego" in in_force(http, gateway)["error"])
    assert (ask().status_code, in_force(http, gateway)["revision"]) == (403, second)
    (policy / "rules" / "broken.rego").unlink()

    # it may not pull any more: health stays good, the gateway knows better
    gateway.run("keys", "revoke", opa.key.split("_")[1])
    until(lambda: "Unauthorized" in str((in_force(http, gateway)["pulled"] or {}).get("error")))
    assert metric(http, gateway, "pull_failures_total") >= 1
    assert ask().status_code == 403
    told = gateway.cli("policy", "status").stdout
    assert "the bundle is not taken" in told
    edit_settings(policy, {"groups": {"default": {"models": ["*"]}}})
    until(lambda: ask().status_code == 503)
    assert metric(http, gateway, "pull_current") == 0
    until(lambda: metric(http, gateway, "ready") == 0)


def test_an_opa_without_the_certificate_or_the_token_decides_nothing(
    pair: tuple[GatewayProcess, PullingOpa], http: httpx.Client, tmp_path: Path
) -> None:
    gateway, opa = pair
    opa.start()
    until(lambda: http.get(f"{gateway.url}/readyz").status_code == 200)
    gateway.kill()

    for environment, changes in (({"OPA_TOKEN": "another"}, {}), ({"OPA_TOKEN": TOKEN}, {"ca": ""})):
        gateway.environment = environment
        gateway.config["policy"]["opa"] |= changes
        gateway.start()
        key = gateway.create_key("agent", "ana")
        assert refusal(post(http, gateway, key, body_of("openai", "echo", "hello")))[0] == 503
        gateway.kill()

    gateway.environment = {}
    with pytest.raises(DidNotStart, match="OPA_TOKEN is not set"):
        gateway.start()


def metric(http: httpx.Client, gateway: GatewayProcess, name: str) -> float:
    text = http.get(f"{gateway.url}/metrics").text
    found = re.search(rf"^regate_policy_{name} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])
