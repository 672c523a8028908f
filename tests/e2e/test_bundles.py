"""Signed bundles end to end: pulled by a real OPA, run from by a gateway, refused where they were touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import load_signing_key
from tests.e2e.conftest import Launch
from tests.support.asking import body_of, post
from tests.support.bundles import library, tampered
from tests.support.configuration import any_engine, configuration, edit_settings, need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import DidNotStart, GatewayProcess
from tests.support.pulling_opa import PullingOpa, built
from tests.support.waiting import until
from tests.unit.policy.conftest import request_document

DENY = {"groups": {"default": {"models": ["other-*"]}}}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A copy of the shipped policy to edit; no git is around it."""
    return policy_copy(tmp_path)


@pytest.fixture
def keyed(launch: Launch, policy: Path) -> GatewayProcess:
    """A running gateway with a key that signs."""
    gateway = launch(engine=need_engine("sidecar"), policy=policy)
    gateway.run("policy", "keygen")
    return gateway


def test_an_opa_pulls_a_signed_bundle_and_refuses_every_other(keyed: GatewayProcess, tmp_path: Path) -> None:
    key = keyed.create_key("opa-one", "ops", role="opa")
    made = built(keyed.run)
    file, revision = Path(made["file"]), made["revision"]
    name = file.name.removesuffix(".tar.gz")
    opa = PullingOpa(tmp_path / "opa", keyed.url, key, keyed.folder / "state" / "policy.pub", name).start()
    try:
        until(lambda: opa.status().get("active_revision") == revision)
        assert opa.decision(request_document()) == ("allow", revision)

        good = file.read_bytes()
        for bad, why in (
            (tampered_by(keyed), "digest mismatch"),
            (build_bundle(library(), None), "missing .signatures.json"),
            (good[: len(good) // 2], "unexpected EOF"),
        ):
            file.write_bytes(bad)
            until(lambda why=why: why in opa.status().get("message", ""))  # type: ignore[misc]
            assert opa.decision(request_document()) == ("allow", revision)

        file.write_bytes(good)
        until(lambda: "message" not in opa.status())

        keyed.run("keys", "revoke", key.split("_")[1])
        until(lambda: str(opa.status().get("http_code")) == "401")
        assert opa.decision(request_document()) == ("allow", revision)
    finally:
        opa.stop()


@pytest.fixture
def from_bundles(provider: FakeProvider, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A folder with a signing key, configured to run from its bundles; not started."""
    config = configuration(provider.url, engine=any_engine())
    config["policy"] |= {"path": "bundles/policy.tar.gz", "verify_key": "state/policy.pub"}
    gateway = GatewayProcess(tmp_path / "bundled", config)
    gateway.folder.mkdir()
    gateway.configure()
    gateway.run("policy", "keygen")
    yield gateway
    gateway.kill()


def test_a_gateway_runs_from_a_bundle_refuses_a_tampered_one_and_is_rolled_back(
    from_bundles: GatewayProcess, policy: Path, http: httpx.Client
) -> None:
    gateway, bundle = from_bundles, from_bundles.folder / "bundles" / "policy.tar.gz"
    first = built(gateway.run, "--path", str(policy))["revision"]
    gateway.run("policy", "use", first)
    edit_settings(policy, DENY)
    second = built(gateway.run, "--path", str(policy))["revision"]
    gateway.start()
    key = gateway.create_key("agent", "ana")

    def ask() -> int:
        return post(http, gateway, key, body_of("openai", "echo", "hello")).status_code

    assert (ask(), in_force(http, gateway)["revision"]) == (200, first)
    gateway.run("policy", "use", second[:8])
    until(lambda: ask() == 403)
    assert in_force(http, gateway)["revision"] == second

    bundle.write_bytes(tampered_by(gateway))
    until(lambda: "is not what was signed" in in_force(http, gateway)["error"])
    assert http.get(f"{gateway.url}/readyz").status_code == 200
    assert (ask(), in_force(http, gateway)["revision"]) == (403, second)
    assert "regate_policy_reload_failing 1.0" in http.get(f"{gateway.url}/metrics").text
    assert "is not what was signed" in gateway.log()
    told = gateway.cli("policy", "status")
    assert told.returncode == 1
    assert second in told.stdout
    assert "is not what was signed" in told.stdout
    held = bearer(gateway.create_key("puller", "ops", role="opa"))
    active = http.get(f"{gateway.url}/bundles/active.tar.gz", headers=held).content
    assert active == (gateway.folder / "bundles" / f"policy-{second}.tar.gz").read_bytes()

    gateway.run("policy", "rollback")
    until(lambda: ask() == 200)
    assert (in_force(http, gateway)["revision"], in_force(http, gateway)["error"]) == (first, "")
    assert "no bundle was in use before" in gateway.cli("policy", "rollback").stderr


def test_a_gateway_does_not_start_from_a_bundle_that_is_not_proven(
    from_bundles: GatewayProcess, policy: Path
) -> None:
    bundle = from_bundles.folder / "bundles" / "policy.tar.gz"
    bundle.parent.mkdir()
    for content, why in ((tampered_by(from_bundles), "is not what was signed"), (b"", "cut off")):
        bundle.write_bytes(content)
        with pytest.raises(DidNotStart, match=why):
            from_bundles.start()
        assert why in from_bundles.cli("policy", "use", str(bundle)).stderr


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def in_force(http: httpx.Client, gateway: GatewayProcess) -> dict[str, Any]:
    policy: dict[str, Any] = http.get(f"{gateway.url}/readyz").json()["policy"]
    return policy


def tampered_by(gateway: GatewayProcess) -> bytes:
    return tampered(load_signing_key(gateway.folder / "state" / "policy.key"))
