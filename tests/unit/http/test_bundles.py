"""The bundles that a gateway serves: to whom, which, and never anything beside them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from gateway.identity import create_key
from gateway.policy.bundle.bundle import build_bundle, read_bundle
from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from gateway.state import Role
from tests.support.application import Opened, Running
from tests.support.bundles import library


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    """The key pair of the gateway, as `regate policy keygen` makes it."""
    return create_signing_key(tmp_path / "state" / "policy.key", "ES256")[0]


@pytest.fixture
def shelf(tmp_path: Path, key: SigningKey) -> Path:
    """A folder with the bundle `policy-r1`."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    (folder / "policy-r1.tar.gz").write_bytes(build_bundle(library(), key))
    return folder


def holder(running: Running, role: Role = "opa", *, life: float = 60) -> dict[str, str]:
    made = time.time() - 60 + life
    _, key = create_key(
        running.worker.keys, agent="opa", owner="ops", role=role, expires_seconds=60, now=made
    )
    return {"authorization": f"Bearer {key}"}


async def test_only_a_live_key_that_may_pull_gets_a_bundle(opened: Opened, shelf: Path) -> None:
    async with opened() as running:
        roles: dict[Role, int] = {"agent": 403, "approver": 403, "opa": 200, "auditor": 200, "admin": 200}
        for url in ("/bundles/policy-r1.tar.gz", "/bundles/active.tar.gz"):
            for role, status in roles.items():
                answer = await running.http.get(url, headers=holder(running, role))
                assert answer.status_code == status, role
            assert (await running.http.get(url)).status_code == 401
            assert (await running.http.get(url, headers=holder(running, life=-1))).status_code == 401


async def test_the_key_of_an_opa_opens_nothing_else(opened: Opened, shelf: Path) -> None:
    async with opened() as running:
        held = holder(running)
        for path in ("policy", "exchanges", "approvals", "keys", "sessions"):
            assert (await running.http.get(f"/admin/v1/{path}", headers=held)).status_code == 403, path
        asked = await running.http.post("/demo/v1/chat/completions", json={"model": "m"}, headers=held)
        assert asked.status_code == 401


async def test_who_has_a_bundle_is_not_sent_it_again(opened: Opened, shelf: Path) -> None:
    async with opened() as running:
        held, url = holder(running), "/bundles/policy-r1.tar.gz"
        answer = await running.http.get(url, headers=held)
        assert answer.content == (shelf / "policy-r1.tar.gz").read_bytes()
        tag = answer.headers["etag"]
        for known in (tag, f'"x", W/{tag}', "*"):
            again = await running.http.get(url, headers={**held, "if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        (shelf / "policy-r1.tar.gz").write_bytes(build_bundle(library(), None))
        changed = await running.http.get(url, headers={**held, "if-none-match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


@pytest.mark.parametrize(
    "name", ["link", "folder", "pipe", "none", "..%2Fsecret", "%2e%2e%2fsecret", ".hidden", "a%00b", "a%0ab"]
)
async def test_nothing_but_a_plain_file_of_the_folder_is_served(
    opened: Opened, shelf: Path, name: str
) -> None:
    secret = shelf.with_name("secret.tar.gz")
    for copy in (secret, shelf / ".hidden.tar.gz"):
        shutil.copy(shelf / "policy-r1.tar.gz", copy)
    (shelf / "link.tar.gz").symlink_to(secret)
    (shelf / "folder.tar.gz").mkdir()
    os.mkfifo(shelf / "pipe.tar.gz")
    async with opened() as running:
        answer = await running.http.get(f"/bundles/{name}.tar.gz", headers=holder(running))
    assert answer.status_code in (400, 401, 404)


async def test_what_the_gateway_decides_by_is_served_signed(opened: Opened, key: SigningKey) -> None:
    async with opened() as running:
        answer = await running.http.get("/bundles/active.tar.gz", headers=holder(running))
        source = read_bundle(Path("active.tar.gz"), answer.content, key.public)
        assert source.revision == running.worker.policies.status().revision
        assert source.modules == library().modules


async def test_without_a_key_to_sign_with_nothing_is_served(opened: Opened) -> None:
    async with opened() as running:
        answer = await running.http.get("/bundles/active.tar.gz", headers=holder(running))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "regate policy keygen" in answer.json()["error"]["message"]
