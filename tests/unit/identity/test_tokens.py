"""SignedTokens: verified by their issuer's key alone, and known again until they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Issuer, Oidc
from gateway.errors import IssuerUnavailable, Unauthenticated
from gateway.identity.tokens import SignedTokens
from tests.support.tokens import AUDIENCE, ISSUER, Signer, confused, nested, unsigned

SIGNER = Signer()
Make = Callable[[], str]


def now() -> int:
    return int(time.time())


def settings(**changes: Any) -> Oidc:
    of: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "owner": "=ana", "jwks": "keys.json"}
    return Oidc(issuers=(Issuer(**{**of, "algorithms": ("ES256",), **changes}),))


@pytest.fixture
def tokens(tmp_path: Path) -> SignedTokens:
    SIGNER.write(tmp_path / "keys.json")
    return SignedTokens(settings(), tmp_path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SIGNER.token(exp=now() - 60), "expired"),
        (lambda: SIGNER.token(exp=None), "exp"),
        (lambda: SIGNER.token(exp="tomorrow"), "exp"),
        (lambda: SIGNER.token(exp=float("nan")), "exp"),
        (lambda: SIGNER.token(nbf=now() + 600), "not yet valid"),
        (lambda: SIGNER.token(iat=now() + 600), "in the future"),
        (lambda: SIGNER.token(aud="another"), "another audience"),
        (lambda: SIGNER.token(aud=None), "aud"),
        (lambda: SIGNER.token(iss="https://evil.example"), "issuer is none of those"),
        (lambda: SIGNER.token(sub=None), "sub"),
        (lambda: SIGNER.token(sub="\x1b[2J"), "printable"),
        (lambda: unsigned(SIGNER.claims()), "algorithm is none of"),
        (lambda: confused(SIGNER, SIGNER.claims()), "algorithm is none of ES256"),
        (lambda: Signer().token(header={"kid": SIGNER.key.kid}), "signature does not hold"),
        (lambda: Signer().token(), "a key that its issuer does not have"),
        (lambda: unsigned(SIGNER.claims(), alg="ES256", kid=["a"]), "`kid` to be a string"),
        (lambda: SIGNER.token(header={"crit": ["b64"], "b64": False}), "three parts|does not hold"),
        (lambda: SIGNER.token(x="a" * 20_000), "over 16384 characters"),
        (lambda: SIGNER.token(act=nested(50)), "nested deeper than 4"),
        (lambda: SIGNER.token(act="bot"), "`act` to be an object"),
        (lambda: SIGNER.token(act={}), "act.sub"),
        (lambda: SIGNER.token(cnf={"jkt": "abc"}), "not supported"),
        (lambda: SIGNER.token(cnf={"x5t#S256": "abc", "jkt": "abc"}), "not supported"),
        (lambda: SIGNER.signed([1]), "claims in a JSON object"),
        (lambda: "a.b.c", "three parts"),
        (lambda: SIGNER.token() + "é", "three parts"),
        (lambda: SIGNER.token()[:-3] + "abc", "signature does not hold"),
    ],
)
async def test_a_token_that_is_not_right_is_refused(tokens: SignedTokens, make: Make, said: str) -> None:
    with pytest.raises(Unauthenticated, match=said):
        await tokens.agent(make())


async def test_times_may_be_off_by_the_skew(tokens: SignedTokens) -> None:
    assert (await tokens.agent(SIGNER.token(exp=now() - 5, nbf=now() + 5)))[1].id == "bot"


@pytest.mark.parametrize(
    ("claims", "may_name", "passes"),
    [
        ({"act": {"sub": "mail-bot"}}, False, True),
        ({"may_act": {"sub": "mail-bot"}}, False, True),
        ({}, True, True),
        ({}, False, False),
        ({"act": {"sub": "another"}}, True, False),
        ({"may_act": {"sub": "another"}}, True, False),
    ],
)
async def test_a_persons_token_counts_for_the_agent_that_it_names(
    tmp_path: Path, claims: dict[str, Any], may_name: bool, passes: bool
) -> None:
    SIGNER.write(tmp_path / "keys.json")
    tokens = SignedTokens(settings(names="people"), tmp_path)
    token = SIGNER.token(sub="alice", **claims)
    with pytest.raises(Unauthenticated, match="names people"):
        await tokens.agent(token)
    if passes:
        _, chain = await tokens.end_user(token, "mail-bot", may_name=may_name)
        assert [each.name for each in chain] == ["alice"]
        return
    with pytest.raises(Unauthenticated, match="does not name the agent mail-bot"):
        await tokens.end_user(token, "mail-bot", may_name=may_name)


async def test_an_agents_token_says_nothing_of_people(tokens: SignedTokens) -> None:
    with pytest.raises(Unauthenticated, match="names agents"):
        await tokens.end_user(SIGNER.token(may_act={"sub": "bot"}), "bot", may_name=True)


async def test_a_known_token_is_not_verified_again_until_it_or_its_key_ends(tmp_path: Path) -> None:
    path, seconds, start = tmp_path / "keys.json", [0.0], int(time.time())
    SIGNER.write(path)
    tokens = SignedTokens(settings(), tmp_path, now=lambda: start + seconds[0], clock=lambda: seconds[0])
    token = SIGNER.token(exp=start + 600)
    first, _ = await tokens.agent(token)
    assert (await tokens.agent(token))[0] is first
    Signer().write(path)  # its key is taken out of the set
    await next(keys for _, keys in tokens._issuers.values()).refresh()
    with pytest.raises(Unauthenticated, match="key that its issuer does not have"):
        await tokens.agent(token)
    SIGNER.write(path)
    seconds[0] = 20
    assert (await tokens.agent(token))[0] is not first
    seconds[0] = 640
    with pytest.raises(Unauthenticated, match="expired"):
        await tokens.agent(token)


async def test_what_the_settings_require_of_claims_counts(tmp_path: Path) -> None:
    SIGNER.write(tmp_path / "keys.json")
    tokens = SignedTokens(settings(require={"repository_owner": "acme"}), tmp_path)
    await tokens.agent(SIGNER.token(repository_owner="acme"))
    with pytest.raises(Unauthenticated, match="requires"):
        await tokens.agent(SIGNER.token(repository_owner="evil"))


async def test_known_tokens_are_bounded(tmp_path: Path) -> None:
    SIGNER.write(tmp_path / "keys.json")
    tokens = SignedTokens(Oidc(settings().issuers, cached=2), tmp_path)
    for name in ("a", "b", "c"):
        await tokens.agent(SIGNER.token(sub=name))
    assert (len(tokens._known), len(tokens._agents)) == (2, 2)


async def test_a_jwt_svid_is_of_its_trust_domain(tmp_path: Path) -> None:
    """A JWT-SVID need not say `iss`; its subject is the SPIFFE id (JWT-SVID, 3)."""
    SIGNER.write(tmp_path / "keys.json")
    tokens = SignedTokens(settings(issuer="spiffe://acme.example"), tmp_path)
    _, agent = await tokens.agent(SIGNER.token(iss=None, sub="spiffe://acme.example/ns/a/sa/b"))
    assert agent.id == "spiffe://acme.example/ns/a/sa/b"
    for sub in ("spiffe://evil.example/ns/a/sa/b", "spiffe://acme.example.evil/x", "acme.example"):
        with pytest.raises(Unauthenticated, match="issuer is none of those"):
            await tokens.agent(SIGNER.token(iss=None, sub=sub))
        with pytest.raises(Unauthenticated, match="not of its trust domain"):
            await tokens.agent(SIGNER.token(iss="spiffe://acme.example", sub=sub))


async def test_without_its_issuers_keys_no_token_passes(tmp_path: Path) -> None:
    with pytest.raises(IssuerUnavailable):
        await SignedTokens(settings(jwks="http://127.0.0.1:1/keys"), tmp_path).agent(SIGNER.token())


async def test_an_agent_is_one_for_as_long_as_its_token(tokens: SignedTokens) -> None:
    """A request that was held until then sends nothing."""
    ends = now() + 600
    found, agent = await tokens.agent(SIGNER.token(exp=ends))
    assert agent.until == found.until == ends + 30
