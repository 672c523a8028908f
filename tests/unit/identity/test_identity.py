"""Who is calling, by API key."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Workload
from gateway.errors import InvalidRequest, StateUnavailable, Unauthenticated
from gateway.identity import Identity, create_key, presented_key
from gateway.identity.workloads import Workloads
from gateway.state import KeyRow, Keys, Role, State, open_state
from gateway.words import Agent
from tests.support.certificates import Authority


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class CountingKeys(Keys):
    """Counts the queries that reach the database."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.queries = 0

    def find(self, key_id: str) -> KeyRow | None:
        self.queries += 1
        return super().find(key_id)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[CountingKeys]:
    state = open_state(tmp_path / "regate.db")
    yield CountingKeys(state)
    state.close()


def made(keys: Keys, role: Role = "agent", *, delegate: bool = False, expires: float | None = None) -> str:
    _, key = create_key(
        keys, agent="coder", owner="alice", role=role, delegate=delegate, expires_seconds=expires, now=1_000.0
    )
    return key


async def test_a_bearer_key_names_its_agent(keys: CountingKeys) -> None:
    agent = await Identity(keys).identify(f"Bearer {made(keys)}", None, None)
    assert (agent.id, agent.owner, agent.method) == ("coder", "alice", "api_key")
    assert agent.groups == ("default",)
    assert agent.claims == {"role": "agent"}
    assert agent.key_id == keys.list()[0].id
    assert agent.on_behalf_of == ""


async def test_an_x_api_key_names_its_agent(keys: CountingKeys) -> None:
    assert (await Identity(keys).identify(None, made(keys), None)).id == "coder"


@pytest.mark.parametrize("given_headers", [(None, None), ("", ""), ("Bearer", None), ("Bearer ", " ")])
def test_no_key_is_refused(given_headers: tuple[str | None, str | None]) -> None:
    with pytest.raises(Unauthenticated, match="no key"):
        presented_key(*given_headers)


def test_another_scheme_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="Bearer"):
        presented_key("Basic YTpi", None)


def test_a_signature_of_aws_names_no_agent_and_hides_none() -> None:
    signed = "AWS4-HMAC-SHA256 Credential=k/20261128/r/s/aws4_request, SignedHeaders=host, Signature=a"
    assert presented_key(signed, "k") == "k"
    with pytest.raises(Unauthenticated, match="AWS_BEARER_TOKEN_BEDROCK"):
        presented_key(signed, None)


def test_the_scheme_is_read_in_any_case() -> None:
    assert presented_key("bearer k", None) == presented_key("BEARER  k", "k") == "k"


def test_two_different_keys_are_refused() -> None:
    with pytest.raises(Unauthenticated, match="two different keys"):
        presented_key("Bearer a", "b")


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "sk-live",
        "rg_abc_def",
        f"rg_{'a' * 12}_{'a' * 53}",
        f"rg_{'A' * 12}_{'a' * 52}",
        f"rg_{'a' * 12}_{'a' * 52}\n",
        "é" * 68,
        "x" * 1_000_000,
    ],
)
async def test_a_malformed_key_is_refused_without_a_query(keys: CountingKeys, malformed: str) -> None:
    with pytest.raises(Unauthenticated):
        await Identity(keys).identify_key(malformed)
    assert keys.queries == 0


@given(st.text())
async def test_no_text_is_taken_for_a_key(text: str) -> None:
    with pytest.raises(Unauthenticated):
        await Identity(Keys.__new__(Keys)).identify_key(text)


async def test_a_gateway_without_issuers_says_so_to_a_token(keys: CountingKeys) -> None:
    with pytest.raises(Unauthenticated, match="believes no issuer"):
        await Identity(keys).identify("Bearer a.b.c", None, None)
    assert keys.queries == 0


async def test_an_unknown_key_and_a_wrong_secret_are_refused_alike(keys: CountingKeys) -> None:
    key = made(keys)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    unknown = "rg_" + "a" * 12 + "_" + "a" * 52
    for presented in (wrong, unknown):
        with pytest.raises(Unauthenticated, match="unknown key") as refusal:
            await Identity(keys).identify_key(presented)
        assert presented not in str(refusal.value)


async def test_a_wrong_secret_is_refused_while_the_right_one_is_cached(keys: CountingKeys) -> None:
    identity, key = Identity(keys), made(keys)
    await identity.identify_key(key)
    with pytest.raises(Unauthenticated):
        await identity.identify_key(key[:-1] + ("a" if key[-1] != "a" else "b"))


async def test_a_key_expires_even_while_cached(keys: CountingKeys) -> None:
    clock, key = Clock(), made(keys, expires=60)
    identity = Identity(keys, now=clock, fresh_seconds=1000)
    await identity.identify_key(key)
    clock.seconds += 60
    with pytest.raises(Unauthenticated, match="this key is expired"):
        await identity.identify_key(key)


async def test_revocation_acts_within_a_second(keys: CountingKeys) -> None:
    identity, key = Identity(keys), made(keys)
    await identity.identify_key(key)
    keys.revoke(keys.list()[0].id, time.time())
    await asyncio.sleep(0.9)
    with pytest.raises(Unauthenticated, match="this key is revoked"):
        await identity.identify_key(key)


async def test_many_requests_cost_one_query(keys: CountingKeys) -> None:
    identity, key = Identity(keys, fresh_seconds=60), made(keys)
    for _ in range(50):
        await identity.identify_key(key)
    assert keys.queries == 1


async def test_a_broken_database_is_a_refusal_and_never_a_pass(keys: CountingKeys) -> None:
    identity, key = Identity(keys, fresh_seconds=0), made(keys)
    await identity.identify_key(key)
    with keys.state.write() as connection:
        connection.exec_driver_sql("DROP TABLE keys")
    with pytest.raises(StateUnavailable):
        await identity.identify_key(key)


@pytest.mark.parametrize("role", ["approver", "auditor", "admin"])
async def test_people_stay_off_the_data_path(keys: CountingKeys, role: Role) -> None:
    key = made(keys, role)
    with pytest.raises(Unauthenticated, match=f"role {role}"):
        await Identity(keys).identify(f"Bearer {key}", None, None)
    assert (await Identity(keys).identify_person(key)).role == role


async def test_an_agent_is_no_person(keys: CountingKeys) -> None:
    with pytest.raises(Unauthenticated, match="role agent"):
        await Identity(keys).identify_person(made(keys))


async def test_a_delegate_key_may_name_the_end_user(keys: CountingKeys) -> None:
    agent = await Identity(keys).identify(None, made(keys, delegate=True), " bob@example.com ")
    assert agent.on_behalf_of == "bob@example.com"


async def test_an_end_user_named_in_utf_8_is_read_as_such(keys: CountingKeys) -> None:
    header = "Àgnes".encode().decode("latin-1")
    assert (await Identity(keys).identify(None, made(keys, delegate=True), header)).on_behalf_of == "Àgnes"


async def test_another_key_may_not_name_an_end_user(keys: CountingKeys) -> None:
    with pytest.raises(Unauthenticated, match="--delegate"):
        await Identity(keys).identify(None, made(keys), "bob")


@pytest.mark.parametrize("name", ["b\x00b", "x" * 257, "b\nb"])
async def test_a_malformed_end_user_is_refused(keys: CountingKeys, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await Identity(keys).identify(None, made(keys, delegate=True), name)


async def test_a_token_that_ended_meanwhile_sends_nothing(keys: CountingKeys) -> None:
    clock = Clock()
    identity, agent = Identity(keys, now=clock), Agent("bot", "ana", "oidc", until=1_010)
    await identity.confirm(agent)
    clock.seconds = 1_010
    with pytest.raises(Unauthenticated, match="ended since"):
        await identity.confirm(agent)


async def test_a_certificate_that_was_revoked_meanwhile_sends_nothing(
    keys: CountingKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.identity.workloads._LOOK_SECONDS", 0)
    authority, uri = Authority(tmp_path), "spiffe://acme.example/invoices"
    issued = authority.issue("a", uri)
    workloads = Workloads([Workload(id=uri, owner="ana")], authority.revoke([]))
    identity, shown = Identity(keys, None, workloads), issued.pem.read_text()
    agent = await identity.identify(None, None, None, certificate=shown)
    await identity.confirm(agent, shown)
    os.utime(authority.revoke([issued]), (1, 1))
    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.confirm(agent, shown)
