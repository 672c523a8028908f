"""Who calls, proved otherwise than by a key: tokens of a real OpenID provider, certificates, and both."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.support.asking import PATHS, bearer, body_of, refusal
from tests.support.certificates import Authority, Issued
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.oidc_provider import OidcProvider, oidc_provider
from tests.support.tokens import Signer, confused, nested, unsigned

WORKLOAD = "spiffe://acme.example/ns/billing/sa/invoices"
PEOPLE = "https://people.example"
PERSON = "X-Regate-On-Behalf-Of-Token"


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway behind TLS of its own, and all who can prove something to it."""

    gateway: GatewayProcess
    openid: OidcProvider
    signer: Signer
    people: Signer
    away: Signer
    authority: Authority
    workload: Issued
    revoked: Issued
    stranger: Issued

    def client(self, shown: Issued | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.gateway.url, verify=self.trust(shown), timeout=30)

    def trust(self, shown: Issued | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.pem)
        if shown:
            context.load_cert_chain(*shown.files)
        return context

    def ask(self, headers: dict[str, str], shown: Issued | None = None) -> httpx.Response:
        with self.client(shown) as http:
            return http.post(PATHS["openai"], json=body_of("openai", "echo", "hello"), headers=headers)

    def recorded(self, *answers: httpx.Response) -> list[dict[str, Any]]:
        """What the evidence says of the exchanges, in their order."""
        ids = [answer.headers["x-regate-exchange-id"] for answer in answers]
        sql = "SELECT exchange_id, agent, owner, on_behalf_of, delegation, key_id, status, code, forwarded_at"
        rows = self.gateway.await_rows(
            f"{sql} FROM exchanges WHERE list_contains(?, exchange_id) AND state <> 'open'",
            ids,
            enough=lambda rows: len(rows) == len(ids),
        )
        found = {row["exchange_id"]: row for row in rows}
        return [found[one] for one in ids]


@pytest.fixture(scope="module")
def place(running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("callers")
    authority = Authority(folder)
    server = authority.issue("server")
    workload = authority.issue("workload", WORKLOAD)
    revoked = authority.issue("revoked", WORKLOAD)
    stranger = authority.issue("stranger", "spiffe://other.example/ns/billing/sa/invoices")
    signer, people, away = Signer(), Signer(PEOPLE), Signer("https://away.example")
    signer.write(folder / "keys.json")
    people.write(folder / "people.json")
    own = {"audience": "regate", "algorithms": ["ES256"]}
    issuers = [
        {"issuer": signer.issuer, "jwks": "keys.json", "owner": "=ana", **own},
        {"issuer": PEOPLE, "jwks": "people.json", "owner": "sub", "names": "people", **own},
        {"issuer": away.issuer, "jwks": "http://127.0.0.1:1/keys", "owner": "=ana", **own},
    ]
    denied = {"groups": {"team-platform": {"providers": ["openai"], "models": ["*"]}}}
    with oidc_provider() as openid:
        issuers.append(
            {
                "issuer": openid.issuer,
                "audience": "regate",
                "owner": "contact",
                "groups": "groups",
                "grants": {"platform-engineering": ["team-platform"]},
                "refresh_seconds": 1,
            }
        )
        config = configuration(
            running_provider.url,
            engine=any_engine(),
            policy=policy_copy(folder, denied),
            listen_tls={"certificate": "server.pem", "key": "server.key", "client_ca": "authority.pem"},
            oidc={"issuers": issuers},
            trusted_proxies=["127.0.0.2", "127.0.0.3"],
            certificate_proxies=["127.0.0.2"],
            workloads=[{"id": "spiffe://acme.example/ns/*/sa/*", "owner": "bob"}],
            revoked=str(authority.revoke([revoked])),
        )
        assert server.pem.name == "server.pem"
        gateway = GatewayProcess(folder, config)
        try:
            gateway.start()
            yield Place(gateway, openid, signer, people, away, authority, workload, revoked, stranger)
        finally:
            gateway.kill()


def test_a_token_of_an_openid_provider_names_its_agent(place: Place, provider: FakeProvider) -> None:
    token = place.openid.token()
    answer = place.ask(bearer(token))
    assert answer.status_code == 200, answer.text
    (row,) = place.recorded(answer)
    assert (row["agent"], row["owner"], row["key_id"]) == ("invoice-bot", "ana", None)
    assert token not in provider.only().everything()


def test_groups_of_a_token_decide(place: Place) -> None:
    with place.client() as http:
        asked = {"json": body_of("openai", "echo", "hello"), "headers": bearer(place.openid.token())}
        assert refusal(http.post("/based/v1/chat/completions", **asked)) == (403, "policy_denied")


def test_a_certificate_names_its_workload(place: Place) -> None:
    answer = place.ask({}, place.workload)
    assert answer.status_code == 200, answer.text
    (row,) = place.recorded(answer)
    assert (row["agent"], row["owner"], row["delegation"]) == (WORKLOAD, "bob", None)


@pytest.mark.parametrize(("peer", "status"), [("127.0.0.2", 200), ("127.0.0.3", 401), ("127.0.0.1", 401)])
def test_a_trusted_proxy_shows_its_clients_certificate(place: Place, peer: str, status: int) -> None:
    """Envoy's header counts from a listed address alone; the proxy's own certificate is not its client's."""
    shown = quote(place.workload.pem.read_text(), safe="")
    sent = {
        "x-forwarded-client-cert": f'Hash=0;Cert="{shown}";Subject="CN=a,O=b"',
        "x-forwarded-for": "10.1.1.1",
    }
    transport = httpx.HTTPTransport(verify=place.trust(), local_address=peer)
    with httpx.Client(base_url=place.gateway.url, transport=transport) as http:
        answer = http.post(PATHS["openai"], json=body_of("openai", "echo", "hello"), headers=sent)
    assert answer.status_code == status, answer.text
    (row,) = place.recorded(answer)
    assert row["agent"] == (WORKLOAD if status == 200 else None)


def test_a_bound_token_counts_on_its_own_connection_alone(place: Place) -> None:
    """RFC 8705, 3: a token that was stolen is of no use without the key of its certificate."""
    bound = bearer(place.signer.token(cnf={"x5t#S256": place.workload.thumbprint}))
    assert place.ask(bound, place.workload).status_code == 200
    assert refusal(place.ask(bound)) == (401, "unauthenticated")
    assert refusal(place.ask(bound, place.stranger)) == (401, "unauthenticated")


def test_for_whom_an_agent_acts_is_asserted_or_proved(place: Place, provider: FakeProvider) -> None:
    key = place.gateway.create_key("mail-bot", "ana", delegate=True)
    plain = place.gateway.create_key("mail-bot", "ana")
    token = place.people.token(sub="alice", act={"sub": "mail-bot"})
    answers = [
        place.ask({**bearer(key), "X-Regate-On-Behalf-Of": "alice"}),
        place.ask({**bearer(plain), PERSON: token}),
        place.ask(
            bearer(place.signer.token(sub="alice", act={"sub": "mail-bot", "act": {"sub": "planner"}}))
        ),
        place.ask(bearer(plain)),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    rows = place.recorded(*answers)
    assert [row["agent"] for row in rows] == ["mail-bot"] * 4
    assert [row["on_behalf_of"] for row in rows] == ["alice", "alice", "alice", None]
    assert [row["delegation"] for row in rows] == ["asserted", "proved", "proved", None]
    assert all(token not in one.everything() for one in provider.received())


Bad = Callable[[Place], tuple[dict[str, str], Issued | None]]
BAD: dict[str, tuple[Bad, int, str]] = {
    "expired": (lambda p: (bearer(p.signer.token(exp=int(time.time()) - 99)), None), 401, "unauthenticated"),
    "future": (lambda p: (bearer(p.signer.token(nbf=int(time.time()) + 99)), None), 401, "unauthenticated"),
    "audience": (lambda p: (bearer(p.signer.token(aud="another")), None), 401, "unauthenticated"),
    "issuer": (lambda p: (bearer(p.signer.token(iss="https://x.example")), None), 401, "unauthenticated"),
    "none": (lambda p: (bearer(unsigned(p.signer.claims())), None), 401, "unauthenticated"),
    "confusion": (lambda p: (bearer(confused(p.signer, p.signer.claims())), None), 401, "unauthenticated"),
    "unknown kid": (lambda p: (bearer(Signer().token()), None), 401, "unauthenticated"),
    "20 KB": (lambda p: (bearer(p.signer.token(x="a" * 20_000)), None), 401, "unauthenticated"),
    "act": (lambda p: (bearer(p.signer.token(act=nested(50))), None), 401, "unauthenticated"),
    "away": (lambda p: (bearer(p.away.token()), None), 503, "issuer_unavailable"),
    "person": (lambda p: (bearer(p.people.token(sub="alice")), None), 401, "unauthenticated"),
    "no proof": (
        lambda p: ({**bearer(p.signer.token()), PERSON: p.people.token(sub="eve")}, None),
        401,
        "unauthenticated",
    ),
    "bound person": (
        lambda p: (
            {
                **bearer(p.signer.token()),
                PERSON: p.people.token(act={"sub": "bot"}, cnf={"x5t#S256": p.workload.thumbprint}),
            },
            None,
        ),
        401,
        "unauthenticated",
    ),
    "two people": (
        lambda p: (
            {**bearer(p.signer.token(sub="a", act={"sub": "bot"})), PERSON: p.people.token(sub="eve")},
            None,
        ),
        400,
        "invalid_request",
    ),
    "asserted": (
        lambda p: ({**bearer(p.signer.token()), "X-Regate-On-Behalf-Of": "eve"}, None),
        401,
        "unauthenticated",
    ),
    "revoked": (lambda p: ({}, p.revoked), 401, "unauthenticated"),
    "trust domain": (lambda p: ({}, p.stranger), 401, "unauthenticated"),
    "xfcc": (
        lambda p: ({"x-forwarded-client-cert": f"Hash=0;URI={WORKLOAD};Cert=x"}, None),
        401,
        "unauthenticated",
    ),
}


def test_a_key_is_good_for_its_scope_alone(place: Place, provider: FakeProvider) -> None:
    """An address, a provider, a path or a model beside it is refused on record, and so is one too many."""
    cut = place.gateway.create_key
    scope: dict[str, Any] = {"providers": ("openai",), "models": ("ech*",), "paths": ("/v1/chat/*",)}
    key = cut("scoped", "ana", **scope, networks=("127.0.0.0/8",), limits={"requests_day": 2})
    elsewhere = cut("scoped", "ana", networks=("10.0.0.0/8",))
    chat, unnamed = body_of("openai", "echo", "hello"), {"messages": [{"role": "user", "content": "hello"}]}
    with place.client() as http:

        def ask(key: str, path: str, body: dict[str, Any]) -> httpx.Response:
            return http.post(path, json=body, headers=bearer(key))

        refused = [
            ask(elsewhere, PATHS["openai"], chat),
            ask(key, "based/v1/chat/completions", chat),
            ask(key, "openai/v1/responses", {"model": "echo", "input": "hello"}),
            ask(key, PATHS["openai"], {**chat, "model": "gpt-9"}),
            ask(key, PATHS["openai"], {**chat, "fallbacks": [{"model": "gpt-9"}]}),
            ask(key, PATHS["openai"], unnamed),
        ]
        assert not provider.received()
        assert [ask(key, PATHS["openai"], chat).status_code for _ in range(2)] == [200, 200]
        refused.append(ask(key, PATHS["openai"], chat))
    assert [refusal(answer) for answer in refused] == [(403, "out_of_scope")] * 7
    assert refused[-1].headers["retry-after"]
    assert refused[0].headers["x-should-retry"] == "false"
    assert {row["code"] for row in place.recorded(*refused)} == {"out_of_scope"}


def test_a_caller_that_proves_nothing_is_refused_on_record(place: Place, provider: FakeProvider) -> None:
    answers = {name: place.ask(*make(place)) for name, (make, _, _) in BAD.items()}
    found = {name: refusal(answer) for name, answer in answers.items()}
    assert found == {name: (status, code) for name, (_, status, code) in BAD.items()}
    rows = dict(zip(answers, place.recorded(*answers.values()), strict=True))
    assert {name: (row["status"], row["code"]) for name, row in rows.items()} == found
    assert not any(row["forwarded_at"] or row["agent"] for row in rows.values())
    assert not provider.received()


def test_a_token_of_ten_megabytes_is_refused_with_its_head(place: Place) -> None:
    with place.client() as http, pytest.raises((httpx.HTTPStatusError, httpx.TransportError)):
        http.post("/openai/v1/models", headers=bearer("a" * 10_000_000)).raise_for_status()


def test_a_certificate_of_another_authority_ends_the_handshake(place: Place, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").issue("forged", WORKLOAD)
    with pytest.raises(httpx.TransportError):
        place.ask({}, other)


async def test_keys_and_certificates_change_under_load_and_no_request_is_lost(place: Place) -> None:
    """Requests come on new connections while the issuer and the server renew their keys."""
    tokens = [place.openid.token()]
    statuses: list[int] = []
    serials = set[bytes | None]()
    until = time.monotonic() + 4

    async def ask_on() -> None:
        while time.monotonic() < until:
            async with httpx.AsyncClient(base_url=place.gateway.url, verify=place.trust()) as http:
                for _ in range(10):
                    answer = await http.post(
                        PATHS["openai"], json=body_of("openai", "echo", "hello"), headers=bearer(tokens[-1])
                    )
                    statuses.append(answer.status_code)
                stream = answer.extensions["network_stream"].get_extra_info("ssl_object")
                serials.add(stream.getpeercert(binary_form=True))

    async def renew() -> None:
        while time.monotonic() < until - 1:
            await asyncio.sleep(1)
            await asyncio.to_thread(place.openid.rotate)
            place.authority.issue("server")
            await asyncio.sleep(1.1)  # the key set is fetched each second
            tokens.append(await asyncio.to_thread(place.openid.token))

    await asyncio.gather(renew(), *(ask_on() for _ in range(4)))
    assert set(statuses) == {200}
    assert len(serials) > 1
    assert len(tokens) > 1
